import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { bookId, bookNumber } from "./book-address.ts";
import { type CartDeps, cartOf } from "./carts.ts";
import { type FailurePage, type FailurePages, orExplain } from "./failure-pages.ts";
import { bodyOf, queryOf } from "./form-schema.ts";
import { showPage } from "./page.ts";
import { cartDoneThings, cartPage } from "./pages/cart.ts";
import { problemPage } from "./pages/problem.ts";
import { ACCOUNTS_AWAY } from "./signed-in.ts";
import { visitorOf } from "./visitor.ts";

const MOST_COPIES = 99;
const WRONG_QUANTITY = `Please give a number of copies from 0 to ${MOST_COPIES}.`;

const NOT_IN_CART = "That book is not in your cart any more.";

const AWAY = problemPage(
  "Your cart is out of reach",
  "Carts are taking a break. Nothing in yours is lost: please try again in a minute.",
);
/** It may have happened all the same. */
const PERHAPS = problemPage(
  "Your cart is out of reach",
  "Carts do not answer just now, so we cannot say whether that was done. Please look into your cart in a minute.",
);

const item = { body: { type: "object", properties: { bookId: bookNumber }, required: ["bookId"], additionalProperties: false } };

/** What a visitor means to buy: guests have a cart too. */
export function cartRoutes(app: FastifyInstance, deps: CartDeps): void {
  app.addHook("preHandler", async (request, reply) => {
    if (visitorOf(request).kind === "unknown") return showPage(reply.status(503), ACCOUNTS_AWAY);
  });

  app.get<{ Querystring: { done: string } }>("/cart", { schema: queryOf("done") }, async (request, reply) => {
    const done = cartDoneThings.find((thing) => thing === request.query.done);
    const show = async () => showPage(reply, cartPage({ cart: await cartOf(request, reply, deps).get(), done }));
    return orExplain(reply, show, { otherwise: AWAY });
  });

  app.post<{ Body: { bookId: number } }>("/cart/items", { schema: item }, async (request, reply) => {
    const add = async () => {
      await cartOf(request, reply, deps).add(request.body.bookId, 1);
      return reply.redirect("/cart?done=added", 303);
    };
    return orExplain(reply, add, failures(request, reply));
  });

  app.post<{ Params: { id: number }; Body: { quantity: string } }>(
    "/cart/items/:id",
    { schema: { ...bookId, ...bodyOf("quantity") } },
    async (request, reply) => {
      const { id } = request.params;
      const { quantity } = request.body;
      const change = async () => {
        const cart = cartOf(request, reply, deps);
        if (!/^\d{1,4}$/.test(quantity.trim()) || Number(quantity) > MOST_COPIES) {
          const typed = { bookId: id, quantity, problem: WRONG_QUANTITY };
          return showPage(reply.status(422), cartPage({ cart: await cart.get(), typed }));
        }
        const changed = await cart.change(id, Number(quantity));
        // A guest's cart may have expired meanwhile.
        const isThere = Number(quantity) === 0 || changed.lines.some(({ bookId }) => bookId === id);
        if (!isThere) return showPage(reply.status(404), cartPage({ cart: changed, problem: NOT_IN_CART }));
        return reply.redirect("/cart?done=changed", 303);
      };
      return orExplain(reply, change, failures(request, reply));
    },
  );

  app.post<{ Params: { id: number } }>("/cart/items/:id/remove", { schema: bookId }, async (request, reply) => {
    const remove = async () => {
      await cartOf(request, reply, deps).remove(request.params.id);
      return reply.redirect("/cart?done=removed", 303);
    };
    return orExplain(reply, remove, failures(request, reply));
  });

  /** What was not done is said beside the cart as it is. */
  function failures(request: FastifyRequest, reply: FastifyReply): FailurePages {
    const instead = (status: number, problem: string) => async (): Promise<FailurePage> => ({
      status,
      page: cartPage({ cart: await cartOf(request, reply, deps).get(), problem }),
    });
    return {
      reasons: {
        BOOK_NOT_FOUND: () => ({ status: 404, page: problemPage("Book not found", "There is no such book in the shop.") }),
        ITEM_NOT_FOUND: instead(404, NOT_IN_CART),
        CART_FULL: instead(409, "Your cart is full. Please take something out before you put more in."),
        TOO_MANY_COPIES: instead(409, `There are at most ${MOST_COPIES} copies of a book in a cart.`),
      },
      otherwise: PERHAPS,
    };
  }
}
