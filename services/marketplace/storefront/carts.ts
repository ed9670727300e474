import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ClientError, Status } from "nice-grpc-common";
import { CallFailure } from "../../../clients/call-failure.ts";
import type { CartClient, GuestCartClient } from "../../../clients/orders.ts";
import type { Cart } from "../../../gen/bookstore/orders/v1/cart_service.ts";
import type { CartCookie } from "./cart-cookie.ts";
import { optional, PATIENCE_MS } from "./optional.ts";
import { userIdOf, visitorOf } from "./visitor.ts";

export interface CartDeps {
  carts: Pick<CartClient, "getCart" | "getCartSize" | "addItem" | "changeItem" | "removeItem" | "mergeCart">;
  guestCarts: Pick<GuestCartClient, "getGuestCart" | "getGuestCartSize" | "addGuestItem" | "changeGuestItem" | "removeGuestItem">;
  cartCookie: CartCookie;
}

/** The cart of whoever asks for a page. Every method fails with a ClientError if orders does not do it. */
export interface CartOfVisitor {
  get(): Promise<Cart>;
  /** How many copies are in it. */
  size(options: { deadlineMs: number }): Promise<number>;
  add(bookId: number, quantity: number): Promise<Cart>;
  change(bookId: number, quantity: number): Promise<Cart>;
  remove(bookId: number): Promise<Cart>;
}

export const EMPTY_CART: Cart = {
  lines: [],
  quantity: 0,
  subtotal: undefined,
  discount: undefined,
  total: undefined,
  revision: "",
};

/** The cart of the user or, for a guest, the one that the cookie names. */
export function cartOf(request: FastifyRequest, reply: FastifyReply, deps: CartDeps): CartOfVisitor {
  return visitorOf(request).kind === "guest" ? guestCartOf(request, reply, deps) : cartOfUser(userIdOf(request), deps);
}

function cartOfUser(userId: string, { carts }: CartDeps): CartOfVisitor {
  return {
    get: async () => cartIn(await carts.getCart({ userId })),
    size: async (options) => (await carts.getCartSize({ userId }, options)).quantity,
    add: async (bookId, quantity) => cartIn(await carts.addItem({ userId, bookId, quantity })),
    change: async (bookId, quantity) => cartIn(await carts.changeItem({ userId, bookId, quantity })),
    remove: async (bookId) => cartIn(await carts.removeItem({ userId, bookId })),
  };
}

function guestCartOf(request: FastifyRequest, reply: FastifyReply, { guestCarts, cartCookie }: CartDeps): CartOfVisitor {
  const guestCartId = cartCookie.read(request);
  /** A guest who has no cart, or has it no more, has an empty one. */
  const ofGuest = async <T>(ask: (guestCartId: string) => Promise<T>, empty: T) => {
    if (guestCartId === undefined) return empty;
    try {
      return await ask(guestCartId);
    } catch (error) {
      if (!(error instanceof CallFailure && error.reason === "CART_NOT_FOUND")) throw error;
      cartCookie.clear(reply);
      return empty;
    }
  };
  const cartOfGuest = async (ask: (guestCartId: string) => Promise<{ cart?: Cart | undefined }>) =>
    cartIn(await ofGuest(ask, {}));
  return {
    get: () => cartOfGuest((guestCartId) => guestCarts.getGuestCart({ guestCartId })),
    size: async (options) =>
      (await ofGuest((guestCartId) => guestCarts.getGuestCartSize({ guestCartId }, options), { quantity: 0 })).quantity,
    async add(bookId, quantity) {
      const added = await guestCarts.addGuestItem({ guestCartId: guestCartId ?? "", bookId, quantity });
      cartCookie.keep(reply, added.guestCartId);
      return cartIn(added);
    },
    change: (bookId, quantity) => cartOfGuest((guestCartId) => guestCarts.changeGuestItem({ guestCartId, bookId, quantity })),
    remove: (bookId) => cartOfGuest((guestCartId) => guestCarts.removeGuestItem({ guestCartId, bookId })),
  };
}

function cartIn({ cart }: { cart?: Cart | undefined }): Cart {
  return cart ?? EMPTY_CART;
}

/**
 * Puts the cart that somebody had as a guest into the one they have as a user:
 * with the first page after they have signed in.
 *
 * It is tried again with each page until orders has done it, which is once.
 */
export function mergeCartsOfGuests(app: FastifyInstance, { carts, cartCookie }: CartDeps): void {
  app.addHook("onRequest", async (request, reply) => {
    const visitor = visitorOf(request);
    const guestCartId = cartCookie.read(request);
    if (visitor.kind !== "signed in" || guestCartId === undefined) return;
    const merging = carts.mergeCart({ userId: visitor.userId, guestCartId }, { deadlineMs: PATIENCE_MS });
    const merged = await optional(merging.then(() => true, isNoSuchCart));
    if (merged) cartCookie.clear(reply);
  });
}

/** What no later try would change. */
function isNoSuchCart(error: unknown): true {
  if (error instanceof ClientError && (error.code === Status.NOT_FOUND || error.code === Status.INVALID_ARGUMENT)) return true;
  throw error;
}
