import type { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { Failure } from "../../runtime/errors.ts";
import { foldWords } from "./fold.ts";

export interface BookPage {
  books: Book[];
  /** Whether there are more behind them. */
  more: boolean;
  /** On all pages together. */
  total: number;
}

export interface BookStore {
  get(id: number): Promise<Book | undefined>;
  /** Those of them that are there. */
  getAll(ids: readonly number[]): Promise<Book[]>;
  /** By title, from behind the Book with the id `afterId` on. `category` undefined means all. */
  list(options: { category: BookCategory | undefined; afterId: number | undefined; limit: number }): Promise<BookPage>;
  /** Books that have all of the words or words that begin so, best match first. */
  search(words: readonly string[], options: { offset: number; limit: number }): Promise<{ books: Book[]; total: number }>;
  /** Only categories that have Books. */
  countByCategory(): Promise<{ category: BookCategory; bookCount: number }[]>;
  /** Tells this catalogue from every other one, such as one in a store that was made anew. */
  readonly catalogueId: string;
  /** The number of the newest change of the catalogue. */
  revision(): Promise<number>;
  /** The Books whose newest change came after a revision, oldest change first, with their revisions. */
  changedAfter(revision: number, limit: number): Promise<{ book: Book; revision: number }[]>;
}

/** More words than this narrow a search no further, only slow it down. */
const MAX_WORDS = 12;

/** The Book with this id. */
export async function getBook(store: BookStore, id: number): Promise<Book> {
  const book = await store.get(id);
  if (book === undefined) throw new Failure("not-found", "no such book", { reason: "BOOK_NOT_FOUND" });
  return book;
}

/** A page of Books that fit a query of a reader. A query without a word finds nothing. */
export async function searchBooks(
  store: BookStore,
  query: string,
  page: { offset: number; limit: number },
): Promise<{ books: Book[]; total: number }> {
  const words = foldWords(query).slice(0, MAX_WORDS);
  return words.length === 0 ? { books: [], total: 0 } : store.search(words, page);
}
