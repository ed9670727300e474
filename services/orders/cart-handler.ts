import type { CartServiceImplementation, GuestCartServiceImplementation } from "../../gen/bookstore/orders/v1/cart_service.ts";
import {
  type CartChange,
  type CartDeps,
  type CartOwner,
  changeCart,
  createGuestCart,
  noCart,
  type ShownCart,
  showCart,
  sizeOfCart,
  withMore,
  withQuantity,
} from "./cart.ts";
import { cartMessage } from "./messages.ts";

/** Implements bookstore.orders.v1.CartService. */
export function cartHandler(deps: CartDeps): CartServiceImplementation {
  const { carts, now } = deps;
  return {
    getCart: ({ userId }) => shown(deps, { userId }),

    getCartSize: ({ userId }) => size(deps, { userId }),

    async addItem({ userId, bookId, quantity }) {
      return message(await changeCart(deps, { userId }, adding(bookId, quantity)));
    },

    changeItem: ({ userId, bookId, quantity }) => change(deps, { userId }, bookId, quantity),

    removeItem: ({ userId, bookId }) => change(deps, { userId }, bookId, 0),

    async mergeCart({ userId, guestCartId }) {
      // Should it fail after that, it may be done again: there is nothing left to merge then.
      await carts.merge(guestCartId, userId, now());
      return shown(deps, { userId });
    },
  };
}

/** Implements bookstore.orders.v1.GuestCartService. */
export function guestCartHandler(deps: CartDeps): GuestCartServiceImplementation {
  return {
    getGuestCart: ({ guestCartId }) => shown(deps, { guestCartId }),

    getGuestCartSize: ({ guestCartId }) => size(deps, { guestCartId }),

    async addGuestItem({ guestCartId, bookId, quantity }) {
      const present = guestCartId === "" ? undefined : await changeCart(deps, { guestCartId }, adding(bookId, quantity));
      if (present !== undefined) return { guestCartId, ...message(present) };
      // An id that was not made here is never taken over: others might know it.
      const created = await createGuestCart(deps, { bookId, quantity });
      return { guestCartId: created.guestCartId, ...message(created.cart) };
    },

    changeGuestItem: ({ guestCartId, bookId, quantity }) => change(deps, { guestCartId }, bookId, quantity),

    removeGuestItem: ({ guestCartId, bookId }) => change(deps, { guestCartId }, bookId, 0),
  };
}

async function shown(deps: CartDeps, owner: CartOwner) {
  return message(await showCart(deps, owner, await deps.carts.items(owner, deps.now())));
}

async function size({ carts, now }: CartDeps, owner: CartOwner) {
  return { quantity: sizeOfCart(await carts.items(owner, now())) };
}

function adding(bookId: number, quantity: number): CartChange {
  return { bookId, edit: (items) => withMore(items, bookId, quantity) };
}

/** Sets how many copies there are. */
async function change(deps: CartDeps, owner: CartOwner, bookId: number, quantity: number) {
  return message(await changeCart(deps, owner, { edit: (items) => withQuantity(items, bookId, quantity) }));
}

function message(cart: ShownCart | undefined) {
  if (cart === undefined) throw noCart();
  return { cart: cartMessage(cart) };
}
