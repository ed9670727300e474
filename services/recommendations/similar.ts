import type { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import { Failure } from "../../runtime/errors.ts";
import type { History } from "./interaction.ts";
import { type Model, readersOf, visitLike } from "./model.ts";
import type { Ranked } from "./ranking.ts";
import type { Shelves } from "./shelf.ts";
import { NO_TASTE } from "./taste.ts";

export interface SimilarOptions {
  shelves: Shelves;
  model: Model;
  history: History;
  max: number;
}

/**
 * The Books that are most like one: those that its readers bought too, then
 * others of its authors, then those of its shelf that most readers like. None
 * of what is in the history of whoever asks.
 *
 * @throws Failure "not-found" if there is no such Book.
 */
export function similarTo(bookId: number, options: SimilarOptions): Ranked[] {
  const { shelves, model, history, max } = options;
  const book = shelves.book(bookId);
  if (book === undefined) throw new Failure("not-found", "no such book", { reason: "BOOK_NOT_FOUND" });
  const found = new Map<number, Ranked>();
  const because = { bookId, title: book.title };
  const add = (other: Book, why: Ranked["why"]) => {
    if (found.size === max || other.id === bookId || history.has(other.id) || found.has(other.id)) return;
    found.set(other.id, { book: other, why });
  };
  visitLike(model, bookId, (otherId) => {
    const other = shelves.book(otherId);
    if (other !== undefined) add(other, { $case: "alsoBought", value: because });
  });
  if (found.size === max) return [...found.values()];

  const byReaders = (books: Iterable<Book>) =>
    [...books].sort((a, b) => readersOf(model, b.id) - readersOf(model, a.id) || a.id - b.id);
  for (const author of book.authors) {
    for (const other of byReaders(shelves.by(author))) add(other, { $case: "sameAuthor", value: { author, becauseOf: because } });
  }
  const { category } = book;
  const sameShelf: Ranked["why"] = { $case: "sameShelf", value: { category, becauseOf: because } };
  for (const other of byReaders(shelves.of(category))) add(other, NO_TASTE.has(category) ? undefined : sameShelf);
  return [...found.values()];
}
