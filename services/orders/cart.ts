import { createHash } from "node:crypto";
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
/** 132 bits. */
const REVISION_CHARACTERS = 22;

export interface CartChange {
  edit(items: readonly CartItem[]): CartItem[];
  /** The book that it puts in, if it does. */
  bookId?: number;
}

/** What it takes to show a cart of some books. */
interface Shelf {
  bookIds: ReadonlySet<number>;
  offers: ReadonlyMap<number, Offer>;
  available: ReadonlyMap<number, number>;
  promotion: boolean;
}

/** How many copies are in a cart, also of books that are gone. */
export function sizeOfCart(items: readonly CartItem[] | undefined): number {
  if (items === undefined) throw noCart();
  return items.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** Stands for what is in a cart: other books or quantities have another one. */
export function revisionOf(items: readonly CartItem[]): string {
  const parts = items.map(({ bookId, quantity }) => [bookId, quantity]);
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, REVISION_CHARACTERS);
}

/** Shows what is in a cart, at the prices of now. */
export async function showCart(deps: CartDeps, owner: CartOwner, items: readonly CartItem[] | undefined): Promise<ShownCart> {
  if (items === undefined) throw noCart();
  return shown(await readShelf(deps, owner, items), items);
}

/**
 * Changes what is in a cart, and shows it.
 *
 * What it takes to show it is read first: nothing is to fail once the copies are
 * in, or whoever asks again has them twice.
 *
 * @returns undefined if a guest has no such cart.
 * @throws Failure "not-found", reason BOOK_NOT_FOUND, if the marketplace does not have the book that is put in.
 */
export async function changeCart(deps: CartDeps, owner: CartOwner, change: CartChange): Promise<ShownCart | undefined> {
  while (true) {
    const before = await deps.carts.items(owner, deps.now());
    if (before === undefined) return undefined;
    const shelf = await readShelf(deps, owner, [...before, ...booksOf(change)]);
    requireBooks(shelf, change);
    try {
      const items = await deps.carts.change(owner, deps.now(), (current) => {
        if (current.some(({ bookId }) => !shelf.bookIds.has(bookId))) throw new OtherBooks();
        return change.edit(current);
      });
      return items && shown(shelf, items);
    } catch (error) {
      if (!(error instanceof OtherBooks)) throw error;
    }
  }
}

/** Makes the cart of a guest with a book in it, and shows it. */
export async function createGuestCart(deps: CartDeps, item: CartItem): Promise<{ guestCartId: string; cart: ShownCart }> {
  const items = withMore([], item.bookId, item.quantity);
  // Nobody has this cart yet: whose it is does not matter to what is read.
  const shelf = await readShelf(deps, { guestCartId: "" }, items);
  requireBooks(shelf, item);
  return { guestCartId: await deps.carts.createForGuest(items, deps.now()), cart: shown(shelf, items) };
}

/** Somebody has put other books in meanwhile. */
class OtherBooks extends Error {
  override readonly name = "OtherBooks";
}

async function readShelf(deps: CartDeps, owner: CartOwner, books: readonly { bookId: number }[]): Promise<Shelf> {
  const bookIds = new Set(books.map(({ bookId }) => bookId));
  const [offers, available, promotion] = await Promise.all([
    deps.findOffers([...bookIds]),
    deps.availableCopies([...bookIds]),
    "userId" in owner ? deps.canUsePromotion(owner.userId) : true,
  ]);
  return { bookIds, offers, available, promotion };
}

function shown({ offers, available, promotion }: Shelf, items: readonly CartItem[]): ShownCart {
  const lines = items.map((item) => ({
    ...item,
    offer: offers.get(item.bookId),
    inStock: (available.get(item.bookId) ?? 0) >= item.quantity,
  }));
  return { lines, price: priceIfOneCurrency(pricedLines(lines), promotion) };
}

function booksOf({ bookId }: { bookId?: number }): { bookId: number }[] {
  return bookId === undefined ? [] : [{ bookId }];
}

/** Refuses a book that the marketplace does not have. */
function requireBooks({ offers }: Shelf, put: { bookId?: number }): void {
  if (booksOf(put).every(({ bookId }) => offers.has(bookId))) return;
  throw new Failure("not-found", "there is no such book", { reason: "BOOK_NOT_FOUND" });
}

/** There is none, or none any more. */
export function noCart(): Failure {
  return new Failure("not-found", "there is no such cart", { reason: "CART_NOT_FOUND" });
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
