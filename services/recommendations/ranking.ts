import type { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import type { OtherBook, Reason } from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import type { History } from "./interaction.ts";
import { type Model, meanReaders, readersOf } from "./model.ts";
import { orderOf, type Shelves } from "./shelf.ts";
import { type Taste, tasteOf } from "./taste.ts";

/** A Book that is recommended, and why. */
export interface Ranked {
  book: Book;
  why: Reason["why"];
}

export interface RankingOptions {
  shelves: Shelves;
  model: Model;
  /** Who reads: everybody has an order of their own among Books that are equally good. */
  userId: string;
  max: number;
}

/**
 * How much the parts of a score weigh against the likeness to what the reader
 * likes. They decide where nobody's taste is known yet: for readers who have
 * bought little, and for Books that few have bought.
 */
const WEIGHTS = { author: 0.12, shelf: 0.1, popular: 0.04, chance: 0.01 };
/** How many there are to choose from for each Book that is shown. */
const CHOICE = 4;
/** Each further Book of one author counts so much less: nobody wants to see one name only. */
const SAME_AUTHOR_AGAIN = 0.85;
/** One Book in so many is one that hardly anybody has found. Without readers it would never get any. */
const ONE_UNDISCOVERED_IN = 10;
const UNDISCOVERED_PLACE = 4;
/** A Book is popular that has so many times the readers of others. */
const POPULAR = 2;

/**
 * The best `max` of these Books for a reader who has bought or rated some,
 * without those.
 */
export function rankFor(history: History, books: Iterable<Book>, options: RankingOptions): Ranked[] {
  const { model, max, shelves } = options;
  const taste = tasteOf(history, options);
  const chance = orderOf(options.userId);
  const mostReaders = Math.log1p(model.readerCounts.reduce((most, count) => Math.max(most, count), 1));
  const best = new Best(CHOICE * max);
  const undiscovered = new Best(max);
  let [count, readersOfAll] = [0, 0];
  for (const book of books) {
    const readers = readersOf(model, book.id);
    count++;
    readersOfAll += readers;
    if (history.has(book.id)) continue;
    const { like, author, shelf } = partsOf(book, taste);
    const popular = (WEIGHTS.popular * Math.log1p(readers)) / mostReaders;
    const score = like + author + shelf + popular + WEIGHTS.chance * chance(book.id);
    best.offer(book, score);
    if (readers === 0) undiscovered.offer(book, score);
  }
  const isPopular = (book: Book) => readersOf(model, book.id) >= Math.max(1, (POPULAR * readersOfAll) / count);
  const reasonFor = (book: Book) => whyOf(book, { taste, history, shelves, isPopular });
  const chosen = varied(best.entries, max).map((book): Ranked => ({ book, why: reasonFor(book) }));
  // Nobody has found any Book while nothing was learned.
  return model.bookIds.length === 0 ? chosen : withUndiscovered(chosen, { books: undiscovered.entries, model, max });
}

/** What can be said for a Book to everybody: that it is popular among those that it was chosen from. */
export function rankedForAll(best: readonly Book[], among: Iterable<Book>, model: Model): Ranked[] {
  const enough = Math.max(1, POPULAR * meanReaders(model, among));
  return best.map((book) => {
    const isPopular = readersOf(model, book.id) >= enough;
    return { book, why: isPopular ? { $case: "popular", value: { category: book.category } } : undefined };
  });
}

interface Scored {
  readonly book: Book;
  readonly score: number;
}

/** The best of many, best first; of two that are equally good, the one with the lower number. */
class Best {
  readonly entries: Scored[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  offer(book: Book, score: number): void {
    const { entries } = this;
    const isBehind = (other: Scored | undefined) =>
      other !== undefined && (other.score > score || (other.score === score && other.book.id < book.id));
    if (entries.length === this.#most && isBehind(entries.at(-1))) return;
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBehind(entries[middle])) low = middle + 1;
      else high = middle;
    }
    entries.splice(low, 0, { book, score });
    if (entries.length > this.#most) entries.pop();
  }
}

function partsOf(book: Book, taste: Taste): Record<"like" | "author" | "shelf", number> {
  return {
    like: taste.like.get(book.id)?.strength ?? 0,
    author: WEIGHTS.author * (taste.written.get(book.id)?.strength ?? 0),
    shelf: WEIGHTS.shelf * (taste.shelves.get(book.category)?.strength ?? 0),
  };
}

/** The best, of which each further one by the same author has to be better. */
function varied(sorted: readonly Scored[], max: number): Book[] {
  const rest = [...sorted];
  const byAuthor = new Map<string, number>();
  const worthOf = ({ book, score }: Scored) => score * SAME_AUTHOR_AGAIN ** (byAuthor.get(book.authors[0] ?? "") ?? 0);
  const best: Book[] = [];
  while (best.length < max && rest.length > 0) {
    const next = rest.reduce((a, b) => (worthOf(b) > worthOf(a) ? b : a));
    rest.splice(rest.indexOf(next), 1);
    best.push(next.book);
    const author = next.book.authors[0];
    if (author !== undefined) byAuthor.set(author, (byAuthor.get(author) ?? 0) + 1);
  }
  return best;
}

/** Gives one place in ten to a Book that hardly anybody has found, unless one of the ten is such a Book already. */
function withUndiscovered(
  chosen: readonly Ranked[],
  { books, model, max }: { books: readonly Scored[]; model: Model; max: number },
): Ranked[] {
  const list = [...chosen];
  const shown = new Set(chosen.map(({ book }) => book));
  const unknown = books.values().filter(({ book }) => !shown.has(book));
  for (let place = UNDISCOVERED_PLACE; place < list.length; place += ONE_UNDISCOVERED_IN) {
    const ten = list.slice(place - UNDISCOVERED_PLACE, place - UNDISCOVERED_PLACE + ONE_UNDISCOVERED_IN);
    if (ten.some(({ book }) => readersOf(model, book.id) === 0)) continue;
    const found = unknown.next().value?.book;
    if (found === undefined) break;
    list.splice(place, 0, { book: found, why: { $case: "undiscovered", value: { category: found.category } } });
  }
  return list.slice(0, max);
}

/** What weighed most. */
function whyOf(
  book: Book,
  { taste, history, shelves, isPopular }: { taste: Taste; history: History; shelves: Shelves; isPopular(book: Book): boolean },
): Reason["why"] {
  const { category } = book;
  const parts = partsOf(book, taste);
  const [reason = "like"] = (["like", "author", "shelf"] as const).toSorted((a, b) => parts[b] - parts[a]);
  if (parts[reason] === 0) return isPopular(book) ? { $case: "popular", value: { category } } : undefined;
  switch (reason) {
    case "like": {
      const because = taste.like.get(book.id)?.because ?? 0;
      return { $case: history.get(because)?.bought ? "bought" : "rated", value: otherBook(because, shelves) };
    }
    case "author": {
      const { author = "", because = 0 } = taste.written.get(book.id) ?? {};
      return { $case: "sameAuthor", value: { author, becauseOf: otherBook(because, shelves) } };
    }
    case "shelf": {
      const because = taste.shelves.get(category)?.because ?? 0;
      return { $case: "sameShelf", value: { category, becauseOf: otherBook(because, shelves) } };
    }
  }
}

function otherBook(bookId: number, shelves: Shelves): OtherBook {
  return { bookId, title: shelves.book(bookId)?.title ?? "" };
}
