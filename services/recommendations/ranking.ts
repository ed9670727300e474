import type { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import type { OtherBook, Reason } from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { type History, likingOf } from "./interaction.ts";
import { type Model, meanReaders, readersOf, visitLike } from "./model.ts";
import { orderOf, type Shelves } from "./shelf.ts";

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
/** Each further Book of one author counts so much less: nobody wants to see one name only. */
const SAME_AUTHOR_AGAIN = 0.85;
/** One Book in so many is one that hardly anybody has found. Without readers it would never get any. */
const ONE_UNDISCOVERED_IN = 10;
const UNDISCOVERED_PLACE = 4;
/** A Book is popular that has so many times the readers of others. */
const POPULAR = 2;
/** Shelves that say nothing of a Book: BOOK_CATEGORY_UNSPECIFIED and BOOK_CATEGORY_GENERAL. */
export const NO_TASTE: ReadonlySet<BookCategory> = new Set<BookCategory>([0, 16]);

/** What a reader's history says of Books that are not in it. */
interface Taste {
  /** How like the Books that the reader likes each Book is, and which of them weighs most. */
  readonly like: ReadonlyMap<number, Pull>;
  readonly authors: ReadonlyMap<string, Pull>;
  readonly shelves: ReadonlyMap<BookCategory, Pull>;
}

interface Pull {
  strength: number;
  /** The Book that weighs most in it, and how much. */
  because: number;
  most: number;
}

/**
 * The best `max` of these Books for a reader who has bought or rated some,
 * without those.
 */
export function rankFor(history: History, books: Iterable<Book>, options: RankingOptions): Ranked[] {
  const { model, max, shelves } = options;
  const taste = tasteOf(history, options);
  const chance = orderOf(options.userId);
  const mostReaders = Math.log1p(model.readerCounts.reduce((most, count) => Math.max(most, count), 1));
  const scored: Scored[] = [];
  for (const book of books) {
    if (history.has(book.id)) continue;
    const readers = readersOf(model, book.id);
    const parts = {
      like: taste.like.get(book.id)?.strength ?? 0,
      author: WEIGHTS.author * Math.max(0, ...book.authors.map((author) => taste.authors.get(author)?.strength ?? 0)),
      shelf: WEIGHTS.shelf * (taste.shelves.get(book.category)?.strength ?? 0),
      popular: (WEIGHTS.popular * Math.log1p(readers)) / mostReaders,
    };
    const score = parts.like + parts.author + parts.shelf + parts.popular + WEIGHTS.chance * chance(book.id);
    scored.push({ book, parts, score, readers });
  }
  scored.sort((a, b) => b.score - a.score || a.book.id - b.book.id);
  const best = withUndiscovered(varied(scored, max), scored, { model, max });
  const isPopular = popularAmong(
    scored.map(({ book }) => book),
    model,
  );
  return best.map((one) => ({ book: one.book, why: whyOf(one, { taste, history, shelves, isPopular }) }));
}

/** What can be said for a Book to everybody: that it is popular among those that it was chosen from. */
export function rankedForAll(best: readonly Book[], among: Iterable<Book>, model: Model): Ranked[] {
  const isPopular = popularAmong(among, model);
  return best.map((book) => ({
    book,
    why: isPopular(book) ? { $case: "popular", value: { category: book.category } } : undefined,
  }));
}

function popularAmong(books: Iterable<Book>, model: Model): (book: Book) => boolean {
  const enough = Math.max(1, POPULAR * meanReaders(model, books));
  return ({ id }) => readersOf(model, id) >= enough;
}

interface Scored {
  book: Book;
  parts: Record<"like" | "author" | "shelf" | "popular", number>;
  score: number;
  readers: number;
  undiscovered?: boolean;
}

function tasteOf(history: History, { model, shelves }: RankingOptions): Taste {
  const like = new Map<number, Pull>();
  const authors = new Map<string, Pull>();
  const categories = new Map<BookCategory, Pull>();
  let total = 0;
  for (const interaction of history.values()) {
    const liking = likingOf(interaction);
    const book = shelves.book(interaction.bookId);
    if (liking === 0 || book === undefined) continue;
    total += liking;
    visitLike(model, book.id, (other, likeness) => pull(like, other, book.id, liking * likeness));
    for (const author of book.authors) pull(authors, author, book.id, liking);
    if (!NO_TASTE.has(book.category)) pull(categories, book.category, book.id, liking);
  }
  // One Book by an author says a good deal already, a second one not twice as much; of shelves it is the share that counts.
  for (const author of authors.values()) author.strength /= author.strength + 1;
  for (const category of categories.values()) category.strength /= total + 2;
  return { like, authors, shelves: categories };
}

function pull<Key>(pulls: Map<Key, Pull>, key: Key, because: number, strength: number): void {
  const known = pulls.get(key);
  if (known === undefined) pulls.set(key, { strength, because, most: strength });
  else {
    known.strength += strength;
    if (strength > known.most || (strength === known.most && because < known.because)) {
      known.because = because;
      known.most = strength;
    }
  }
}

/** The best, of which each further one by the same author has to be better. */
function varied(sorted: readonly Scored[], max: number): Scored[] {
  const rest = sorted.slice(0, 4 * max);
  const byAuthor = new Map<string, number>();
  const worthOf = ({ book, score }: Scored) => score * SAME_AUTHOR_AGAIN ** (byAuthor.get(book.authors[0] ?? "") ?? 0);
  const best: Scored[] = [];
  while (best.length < max && rest.length > 0) {
    const next = rest.reduce((a, b) => (worthOf(b) > worthOf(a) ? b : a));
    rest.splice(rest.indexOf(next), 1);
    best.push(next);
    const author = next.book.authors[0];
    if (author !== undefined) byAuthor.set(author, (byAuthor.get(author) ?? 0) + 1);
  }
  return best;
}

/** Gives one place in ten to a Book that hardly anybody has found. Nobody has found any while nothing was learned. */
function withUndiscovered(best: Scored[], sorted: readonly Scored[], { model, max }: { model: Model; max: number }): Scored[] {
  if (model.bookIds.length === 0 || max <= UNDISCOVERED_PLACE) return best;
  const shown = new Set(best);
  const unknown = sorted.values().filter((one) => one.readers === 0 && !shown.has(one));
  const list = [...best];
  for (let place = UNDISCOVERED_PLACE; place < list.length; place += ONE_UNDISCOVERED_IN) {
    if (list.slice(place - UNDISCOVERED_PLACE, place + 1).some(({ readers }) => readers === 0)) continue;
    const found = unknown.next().value;
    if (found === undefined) break;
    list.splice(place, 0, { ...found, undiscovered: true });
  }
  return list.slice(0, max);
}

/** What weighed most. */
function whyOf(
  scored: Scored,
  { taste, history, shelves, isPopular }: { taste: Taste; history: History; shelves: Shelves; isPopular(book: Book): boolean },
): Reason["why"] {
  const { book, parts } = scored;
  const { category } = book;
  if (scored.undiscovered) return { $case: "undiscovered", value: { category } };
  const [reason = "like"] = (["like", "author", "shelf", "popular"] as const).toSorted((a, b) => parts[b] - parts[a]);
  if (parts[reason] === 0) return undefined;
  switch (reason) {
    case "like": {
      const because = taste.like.get(book.id)?.because ?? 0;
      return { $case: history.get(because)?.bought ? "bought" : "rated", value: otherBook(because, shelves) };
    }
    case "author": {
      const author = book.authors.reduce((a, b) => (strengthOf(taste, b) > strengthOf(taste, a) ? b : a));
      const because = taste.authors.get(author)?.because ?? 0;
      return { $case: "sameAuthor", value: { author, becauseOf: otherBook(because, shelves) } };
    }
    case "shelf": {
      const because = taste.shelves.get(category)?.because ?? 0;
      return { $case: "sameShelf", value: { category, becauseOf: otherBook(because, shelves) } };
    }
    case "popular":
      return !isPopular(book) ? undefined : { $case: "popular", value: { category } };
  }
}

const strengthOf = (taste: Taste, author: string) => taste.authors.get(author)?.strength ?? 0;

function otherBook(bookId: number, shelves: Shelves): OtherBook {
  return { bookId, title: shelves.book(bookId)?.title ?? "" };
}
