import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { OrdersClient } from "../../../clients/orders.ts";
import type { Money } from "../../../gen/bookstore/catalog/v1/book.ts";
import type { Cart } from "../../../gen/bookstore/orders/v1/cart_service.ts";
import { type CartDeps, cartOf } from "./carts.ts";
import { type FailurePage, type FailurePages, orExplain } from "./failure-pages.ts";
import { text } from "./form-schema.ts";
import { formatPrice } from "./format.ts";
import { optional } from "./optional.ts";
import { showPage } from "./page.ts";
import { cartPage } from "./pages/cart.ts";
import { checkoutPage, isMeansOfPayment, uncertainPage } from "./pages/checkout.ts";
import { problemPage } from "./pages/problem.ts";
import { onlyForUsers } from "./signed-in.ts";
import { userIdOf } from "./visitor.ts";

export interface CheckoutDeps extends CartDeps {
  orders: Pick<OrdersClient, "placeOrder">;
}

/** Longer than other pages: the payment provider may be slow. */
const BUYING_MS = 10_000;

const purchase = {
  body: {
    type: "object",
    properties: {
      key: { type: "string", pattern: "^[0-9A-Za-z-]{16,64}$" },
      currency: { type: "string", pattern: "^[A-Z]{3}$" },
      minorUnits: { type: "string", pattern: "^[0-9]{1,15}$" },
      revision: { type: "string", pattern: "^[\\w-]{1,64}$" },
      payment: text,
    },
    required: ["key", "currency", "minorUnits", "revision"],
    additionalProperties: false,
  },
};

interface Form {
  key: string;
  currency: string;
  minorUnits: string;
  revision: string;
  payment: string;
}

const ORDERS = { href: "/orders", label: "Your orders" };
const CART = { href: "/cart", label: "Your cart" };

const AWAY = problemPage(
  "The checkout is taking a break",
  "Nothing was ordered, and your cart is not lost. Please try again in a minute.",
  [CART],
);
const NOTHING_TO_BUY = problemPage(
  "There is nothing to buy",
  "Your cart is empty. Perhaps you have bought what was in it already.",
  [ORDERS, CART],
);
const ALREADY_SENT = problemPage(
  "This form was sent already",
  "Another order was sent from this form, and it is used for one order only. Please look at your orders before you buy again.",
  [ORDERS, CART],
);
const NO_ACCOUNT = problemPage("Your account is gone", "Nothing was ordered: there is no account any more that could buy.");

/** Buys what is in the cart. */
export function checkoutRoutes(app: FastifyInstance, deps: CheckoutDeps): void {
  onlyForUsers(app);

  app.get("/checkout", async (request, reply) => {
    const show = async () => {
      const cart = await cartOf(request, reply, deps).get();
      // The cart says what is wrong with it.
      return isSellable(cart) ? showPage(reply, checkoutPage({ cart, key: randomUUID() })) : reply.redirect("/cart", 303);
    };
    return orExplain(reply, show, { otherwise: AWAY });
  });

  app.post<{ Body: Form }>("/checkout", { schema: purchase, config: { deadlineMs: BUYING_MS } }, async (request, reply) => {
    const { key, currency, minorUnits, revision, payment } = request.body;
    const total = { currencyCode: currency, minorUnits: BigInt(minorUnits) };
    const buy = async () => {
      if (!isMeansOfPayment(payment)) {
        const { status, page } = await again(request, reply, { key, paymentProblem: "Please choose how you pay.", status: 422 });
        return showPage(reply.status(status), page);
      }
      const { order } = await deps.orders.placeOrder({
        ...{ userId: userIdOf(request), idempotencyKey: key, expectedTotal: total, expectedCartRevision: revision },
        paymentToken: payment,
      });
      // See other: going back or reloading does not send the form again.
      return reply.redirect(order === undefined ? "/orders" : `/orders/${order.id}`, 303);
    };
    return orExplain(reply, buy, {
      reasons: reasons(request, reply),
      otherwise: () => uncertainPage({ key, total, revision, payment }),
    });
  });

  /** The form as it has to be now, and why. */
  async function again(
    request: FastifyRequest,
    reply: FastifyReply,
    options: { status: number; key?: string; problem?: string; paymentProblem?: string },
  ): Promise<FailurePage> {
    const { status, key = randomUUID(), ...problems } = options;
    const problem = problems.problem ?? problems.paymentProblem ?? "";
    // What has happened is to be said, whether or not the cart can be shown with it.
    const cart = await optional(cartOf(request, reply, deps).get());
    if (cart === undefined) return { status, page: problemPage("That did not work", problem, [CART]) };
    return isSellable(cart)
      ? { status, page: checkoutPage({ cart, key, ...problems }) }
      : { status, page: cartPage({ cart, problem }) };
  }

  function reasons(request: FastifyRequest, reply: FastifyReply): NonNullable<FailurePages["reasons"]> {
    const tell = (status: number, problem: string) => () => again(request, reply, { status, problem });
    return {
      PRICE_CHANGED: ({ metadata }) => {
        const now = totalIn(metadata);
        const price = now === undefined ? "The price has changed." : `The price has changed: it is ${formatPrice(now)} now.`;
        return again(request, reply, { status: 409, problem: `${price} Nothing was ordered yet.` });
      },
      OUT_OF_STOCK: tell(409, "Somebody was faster: there are not enough copies any more. Nothing was ordered."),
      BOOK_GONE: tell(409, "The shop does not have one of the books any more. Nothing was ordered."),
      MIXED_CURRENCIES: tell(409, "These books are sold in different currencies. Nothing was ordered."),
      PAYMENT_DECLINED: tell(402, "The card was declined. Nothing was paid or ordered, and your cart is as it was."),
      PAYMENT_PENDING: ({ metadata }) => ({ status: 409, page: waitingPage(metadata.order_id) }),
      CART_CHANGED: tell(409, "Your cart has changed meanwhile, perhaps in another window. Nothing was ordered yet."),
      CART_BUSY: tell(409, "Your cart is being changed elsewhere. Nothing was ordered yet."),
      CART_EMPTY: () => ({ status: 409, page: NOTHING_TO_BUY }),
      IDEMPOTENCY_KEY_REUSED: () => ({ status: 409, page: ALREADY_SENT }),
      USER_NOT_REGISTERED: () => ({ status: 409, page: NO_ACCOUNT }),
    };
  }
}

function isSellable(cart: Cart): cart is Cart & { total: Money } {
  return cart.total !== undefined && cart.lines.every(({ gone, inStock }) => inStock && !gone);
}

function totalIn({ currency_code = "", minor_units = "" }: Readonly<Record<string, string>>): Money | undefined {
  return /^[A-Z]{3}$/.test(currency_code) && /^\d{1,15}$/.test(minor_units)
    ? { currencyCode: currency_code, minorUnits: BigInt(minor_units) }
    : undefined;
}

function waitingPage(orderId: string | undefined) {
  const order = orderId === undefined ? ORDERS : { href: `/orders/${orderId}`, label: "Look at that order" };
  return problemPage(
    "Another order waits for its payment",
    "Nothing was ordered now: please wait until the payment of your order before is through, which takes a minute or two.",
    [order, CART],
  );
}
