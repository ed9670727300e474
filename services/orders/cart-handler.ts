import type { CartServiceImplementation, GuestCartServiceImplementation } from "../../gen/bookstore/orders/v1/cart_service.ts";
import { type CartDeps, type CartItem, type CartOwner, requireBook, showCart, withMore, withQuantity } from "./cart.ts";
import { cartMessage } from "./messages.ts";

type Change = (items: readonly CartItem[]) => CartItem[];

/** Implements bookstore.orders.v1.CartService. */
export function cartHandler(deps: CartDeps): CartServiceImplementation {
  const { carts, now } = deps;
  const change = async (userId: string, edit: Change) => shown(deps, { userId }, await carts.change({ userId }, now(), edit));
  return {
    async getCart({ userId }) {
      return shown(deps, { userId }, await carts.items({ userId }, now()));
    },

    async addItem({ userId, bookId, quantity }) {
      await requireBook(deps, bookId);
      return change(userId, (items) => withMore(items, bookId, quantity));
    },

    changeItem: ({ userId, bookId, quantity }) => change(userId, (items) => withQuantity(items, bookId, quantity)),

    removeItem: ({ userId, bookId }) => change(userId, (items) => withQuantity(items, bookId, 0)),

    async mergeCart({ userId, guestCartId }) {
      await carts.merge(guestCartId, userId, now());
      return shown(deps, { userId }, await carts.items({ userId }, now()));
    },
  };
}

/** Implements bookstore.orders.v1.GuestCartService. */
export function guestCartHandler(deps: CartDeps): GuestCartServiceImplementation {
  const { carts, now } = deps;
  const change = async (guestCartId: string, edit: Change) =>
    shown(deps, { guestCartId }, await carts.change({ guestCartId }, now(), edit));
  return {
    async getGuestCart({ guestCartId }) {
      return shown(deps, { guestCartId }, await carts.items({ guestCartId }, now()));
    },

    async addGuestItem({ guestCartId, bookId, quantity }) {
      await requireBook(deps, bookId);
      const add: Change = (items) => withMore(items, bookId, quantity);
      const items = guestCartId === "" ? undefined : await carts.change({ guestCartId }, now(), add);
      if (items !== undefined) return { guestCartId, ...(await shown(deps, { guestCartId }, items)) };
      // An id that was not made here is never taken over: others might know it.
      const added = add([]);
      const owner = { guestCartId: await carts.createForGuest(added, now()) };
      return { ...owner, ...(await shown(deps, owner, added)) };
    },

    changeGuestItem: ({ guestCartId, bookId, quantity }) => change(guestCartId, (items) => withQuantity(items, bookId, quantity)),

    removeGuestItem: ({ guestCartId, bookId }) => change(guestCartId, (items) => withQuantity(items, bookId, 0)),
  };
}

async function shown(deps: CartDeps, owner: CartOwner, items: readonly CartItem[] | undefined) {
  return { cart: cartMessage(await showCart(deps, owner, items)) };
}
