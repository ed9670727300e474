import type { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";

/** The Books to choose from, by category. */
export class Shelves {
  readonly #byCategory = new Map<BookCategory, Map<number, Book>>();
  readonly #categoryOf = new Map<number, BookCategory>();
  readonly #byAuthor = new Map<string, Map<number, Book>>();

  /** Whether there is any Book. */
  get empty(): boolean {
    return this.#categoryOf.size === 0;
  }

  /** Puts Books on their shelves, in place of what they were before. @returns the categories that changed. */
  put(books: readonly Book[]): Set<BookCategory> {
    const changed = new Set<BookCategory>();
    for (const book of books) {
      const before = this.#categoryOf.get(book.id);
      for (const author of this.book(book.id)?.authors ?? []) this.#byAuthor.get(author)?.delete(book.id);
      for (const author of book.authors) {
        const written = this.#byAuthor.get(author) ?? new Map<number, Book>();
        this.#byAuthor.set(author, written.set(book.id, book));
      }
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
    this.#byAuthor.clear();
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

  /** The Books of an author, in no order. */
  by(author: string): Iterable<Book> {
    return this.#byAuthor.get(author)?.values() ?? [];
  }

  /** The categories that have had Books. */
  get categories(): Iterable<BookCategory> {
    return this.#byCategory.keys();
  }

  /** The Books of a category, in no order. */
  of(category: BookCategory): Iterable<Book> {
    return this.#byCategory.get(category)?.values() ?? [];
  }
}

export interface OrderOptions {
  /** Whose order it is. */
  userId: string;
  max: number;
  /** How many readers a Book has. Nobody is known to have any, if it is not given. */
  readersOf?: ((bookId: number) => number) | undefined;
}

/**
 * The first `max` of these Books for one reader of whom nothing is known.
 *
 * Every reader has an order of their own, which stays the same until the Books,
 * or what others read, change, and in which well-loved Books tend to stand in front.
 */
export function mostAppealing(books: Iterable<Book>, options: OrderOptions): Book[] {
  const { max, readersOf = () => 0 } = options;
  const seed = hash(options.userId, 0);
  const best: { book: Book; score: number }[] = [];
  for (const book of books) {
    const score = appeal(book, seed, readersOf(book.id));
    if (best.length === max && score <= (best.at(-1)?.score ?? 0)) continue;
    // The list is short, so inserting beats sorting the whole shelf.
    const behind = best.findIndex((other) => other.score < score);
    best.splice(behind < 0 ? best.length : behind, 0, { book, score });
    if (best.length > max) best.pop();
  }
  return best.map(({ book }) => book);
}

/** As mostAppealing, but takes one Book of each shelf, then the next of each, and so on. */
export function mostAppealingOfEach(shelves: Shelves, options: OrderOptions): Book[] {
  const { max, userId, readersOf = () => 0 } = options;
  const chance = orderOf(userId);
  const lists = [...shelves.categories].map((category) => mostAppealing(shelves.of(category), options));
  const best: Book[] = [];
  for (let round = 0; best.length < max && round < max; round++) {
    const books = lists.flatMap((list) => list[round] ?? []);
    best.push(...books.sort((a, b) => readersOf(b.id) - readersOf(a.id) || chance(a.id) - chance(b.id)));
  }
  return best.slice(0, max);
}

/**
 * Weighted random order (Efraimidis and Spirakis, 2006): the u-th root of the
 * weight, where u is random but the same each time for one reader and one Book.
 */
function appeal(book: Book, seed: number, readers: number): number {
  const ratings = Number(book.rating?.count ?? 0n);
  const weight = 1 + Math.log10(1 + ratings) * ((book.rating?.average ?? 0) / 5) + readers;
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
