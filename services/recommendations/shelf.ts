import type { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { Failure } from "../../runtime/errors.ts";

/** The Books to choose from, by category. */
export class Shelves {
  readonly #byCategory = new Map<BookCategory, Map<number, Book>>();
  readonly #categoryOf = new Map<number, BookCategory>();

  /** Whether there is any Book. */
  get empty(): boolean {
    return this.#categoryOf.size === 0;
  }

  /** Puts Books on their shelves, in place of what they were before. @returns the categories that changed. */
  put(books: readonly Book[]): Set<BookCategory> {
    const changed = new Set<BookCategory>();
    for (const book of books) {
      const before = this.#categoryOf.get(book.id);
      if (before !== undefined && before !== book.category) {
        this.#byCategory.get(before)?.delete(book.id);
        changed.add(before);
      }
      const shelf = this.#byCategory.get(book.category) ?? new Map<number, Book>();
      this.#byCategory.set(book.category, shelf.set(book.id, book));
      this.#categoryOf.set(book.id, book.category);
      changed.add(book.category);
    }
    return changed;
  }

  /** Takes every Book away. @returns the categories that changed. */
  clear(): Set<BookCategory> {
    const changed = new Set(this.#byCategory.keys());
    this.#byCategory.clear();
    this.#categoryOf.clear();
    return changed;
  }

  /** The Book of this number. */
  book(id: number): Book | undefined {
    const category = this.#categoryOf.get(id);
    return category === undefined ? undefined : this.#byCategory.get(category)?.get(id);
  }

  /** Every Book, in no order. */
  *all(): Iterable<Book> {
    for (const shelf of this.#byCategory.values()) yield* shelf.values();
  }

  /** The Books of a category, in no order. */
  of(category: BookCategory): Iterable<Book> {
    return this.#byCategory.get(category)?.values() ?? [];
  }
}

/**
 * The first `max` Books of a shelf for one reader.
 *
 * Every reader has an order of their own, which stays the same until the shelf
 * changes, and in which well-loved Books tend to stand in front.
 *
 * @throws Failure "not-found" if the shelf is empty.
 */
export function recommend(shelves: Shelves, options: { userId: string; category: BookCategory; max: number }): Book[] {
  const best = topOfShelf(shelves, options);
  if (best.length === 0) throw new Failure("not-found", "no books in this category", { reason: "SHELF_EMPTY" });
  return best;
}

/** As recommend, but an empty shelf gives an empty list. */
export function topOfShelf(shelves: Shelves, options: { userId: string; category: BookCategory; max: number }): Book[] {
  return mostAppealing(shelves.of(options.category), options);
}

/** The first `max` of these Books in the order of one reader. */
export function mostAppealing(books: Iterable<Book>, options: { userId: string; max: number }): Book[] {
  const seed = hash(options.userId, 0);
  const best: { book: Book; score: number }[] = [];
  for (const book of books) {
    const score = appeal(book, seed);
    if (best.length === options.max && score <= (best.at(-1)?.score ?? 0)) continue;
    // The list is short, so inserting beats sorting the whole shelf.
    const behind = best.findIndex((other) => other.score < score);
    best.splice(behind < 0 ? best.length : behind, 0, { book, score });
    if (best.length > options.max) best.pop();
  }
  return best.map(({ book }) => book);
}

/**
 * Weighted random order (Efraimidis and Spirakis, 2006): the u-th root of the
 * weight, where u is random but the same each time for one reader and one Book.
 */
function appeal(book: Book, seed: number): number {
  const ratings = Number(book.rating?.count ?? 0n);
  const weight = 1 + Math.log10(1 + ratings) * ((book.rating?.average ?? 0) / 5);
  const random = (hash(String(book.id), seed) + 1) / 2 ** 32;
  return random ** (1 / weight);
}

/** The order of one reader: a number from 0 to 1 for each Book, the same each time. */
export function orderOf(userId: string): (bookId: number) => number {
  const seed = hash(userId, 0);
  return (bookId) => (mixed(bookId ^ seed) + 1) / 2 ** 32;
}

/** FNV-1a with a final mix: fast, and spread well enough for a shuffle. */
function hash(text: string, seed: number): number {
  let value = (2_166_136_261 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16_777_619) >>> 0;
  return mixed(value);
}

/** The final mix of MurmurHash3. */
function mixed(bits: number): number {
  let value = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b) >>> 0;
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35) >>> 0;
  return (value ^ (value >>> 16)) >>> 0;
}
