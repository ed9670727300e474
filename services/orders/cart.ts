import { Failure } from "../../runtime/errors.ts";
import { type Price, type PricedLine, priceOf } from "./price.ts";

/** Whose cart it is: a user's, or that of a guest who has its id. */
export type CartOwner = { userId: string } | { guestCartId: string };

/** Copies of a book that somebody means to buy. */
export interface CartItem {
  bookId: number;
  quantity: number;
}

/** What the shop asks for a book now. */
export interface Offer extends Pick<PricedLine, "title" | "unitPrice"> {
  bookId: number;
}

export interface CartStore {
  /** In the order in which they were put in. Undefined if a guest has no such cart, or none any more. */
  items(owner: CartOwner, now: Date): Promise<readonly CartItem[] | undefined>;
  /**
   * Changes what is in a cart. Of two changes at once, the second sees the first.
   *
   * @returns what is in it now; undefined, and unchanged, if a guest has no such cart.
   */
  change(
    owner: CartOwner,
    now: Date,
    change: (items: readonly CartItem[]) => CartItem[],
  ): Promise<readonly CartItem[] | undefined>;
  /** Makes the cart of a guest. @returns its id, which nobody can guess. */
  createForGuest(items: readonly CartItem[], now: Date): Promise<string>;
  /** Puts what is in a guest's cart, if there is one, into the user's, and ends it. */
  merge(guestCartId: string, userId: string, now: Date): Promise<void>;
}

export interface CartDeps {
  carts: CartStore;
  /** Asks the marketplace what it sells. Books that are gone are missing. */
  findOffers(bookIds: readonly number[]): Promise<ReadonlyMap<number, Offer>>;
  /** How many copies of each book can be bought now. */
  availableCopies(bookIds: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** Whether a user can use "buy two, get one free" still. */
  canUsePromotion(userId: string): Promise<boolean>;
  now(): Date;
}

/** A line of a cart as it is shown: `offer` is what the book costs, unless it is gone. */
export interface ShownLine extends CartItem {
  offer: Offer | undefined;
  inStock: boolean;
}

/** A cart as it is shown. */
export interface ShownCart {
  lines: readonly ShownLine[];
  /** Undefined if there is nothing to pay for, or in several currencies. */
  price: Price | undefined;
}

export const LARGEST_CART = 100;
export const MOST_COPIES = 99;

/** Shows what is in a cart, at the prices of now. */
export async function showCart(deps: CartDeps, owner: CartOwner, items: readonly CartItem[] | undefined): Promise<ShownCart> {
  if (items === undefined) throw new Failure("not-found", "there is no such cart", { reason: "CART_NOT_FOUND" });
  const bookIds = items.map(({ bookId }) => bookId);
  const [offers, available, promotion] = await Promise.all([
    deps.findOffers(bookIds),
    deps.availableCopies(bookIds),
    "userId" in owner ? deps.canUsePromotion(owner.userId) : true,
  ]);
  const lines = items.map((item) => ({
    ...item,
    offer: offers.get(item.bookId),
    inStock: (available.get(item.bookId) ?? 0) >= item.quantity,
  }));
  return { lines, price: priceIfOneCurrency(pricedLines(lines), promotion) };
}

/** The lines that can be bought. */
export function pricedLines(lines: readonly ShownLine[]): PricedLine[] {
  return lines.flatMap(({ quantity, offer }) => (offer === undefined ? [] : [{ ...offer, quantity }]));
}

function priceIfOneCurrency(lines: readonly PricedLine[], promotion: boolean): Price | undefined {
  try {
    return priceOf(lines, { promotion });
  } catch (error) {
    // The cart must still be shown, or nobody could take the wrong book out. It is refused as an order.
    if (error instanceof Failure && error.reason === "MIXED_CURRENCIES") return undefined;
    throw error;
  }
}

/** Refuses a book that the marketplace does not have. */
export async function requireBook(deps: Pick<CartDeps, "findOffers">, bookId: number): Promise<void> {
  if ((await deps.findOffers([bookId])).has(bookId)) return;
  throw new Failure("not-found", "there is no such book", { reason: "BOOK_NOT_FOUND" });
}

/** Adds copies of a book. */
export function withMore(items: readonly CartItem[], bookId: number, quantity: number): CartItem[] {
  const present = items.find((item) => item.bookId === bookId);
  if (present === undefined) {
    if (items.length >= LARGEST_CART) {
      throw new Failure("failed-precondition", `a cart has at most ${LARGEST_CART} lines`, { reason: "CART_FULL" });
    }
    return [...items, { bookId, quantity }];
  }
  if (present.quantity + quantity > MOST_COPIES) {
    throw new Failure("failed-precondition", `at most ${MOST_COPIES} copies of a book`, { reason: "TOO_MANY_COPIES" });
  }
  return items.map((item) => (item === present ? { bookId, quantity: item.quantity + quantity } : item));
}

/** Sets how many copies of a book there are; 0 takes it out. */
export function withQuantity(items: readonly CartItem[], bookId: number, quantity: number): CartItem[] {
  if (quantity === 0) return items.filter((item) => item.bookId !== bookId);
  if (!items.some((item) => item.bookId === bookId)) {
    throw new Failure("not-found", "the book is not in the cart", { reason: "ITEM_NOT_FOUND" });
  }
  return items.map((item) => (item.bookId === bookId ? { bookId, quantity } : item));
}

/** Adds what a guest had, as far as it fits into the limits. */
export function merged(items: readonly CartItem[], guests: readonly CartItem[]): CartItem[] {
  const quantities = new Map(items.map(({ bookId, quantity }) => [bookId, quantity]));
  for (const { bookId, quantity } of guests) {
    const present = quantities.get(bookId);
    if (present === undefined && quantities.size >= LARGEST_CART) continue;
    quantities.set(bookId, Math.min((present ?? 0) + quantity, MOST_COPIES));
  }
  return Array.from(quantities, ([bookId, quantity]) => ({ bookId, quantity }));
}

/** What is left when some has been bought. */
export function without(items: readonly CartItem[], bought: readonly CartItem[]): CartItem[] {
  const quantities = new Map(bought.map(({ bookId, quantity }) => [bookId, quantity]));
  return items
    .map(({ bookId, quantity }) => ({ bookId, quantity: quantity - (quantities.get(bookId) ?? 0) }))
    .filter(({ quantity }) => quantity > 0);
}
