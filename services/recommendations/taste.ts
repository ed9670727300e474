import type { BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { type History, likingOf } from "./interaction.ts";
import { type Model, visitLike } from "./model.ts";
import type { Shelves } from "./shelf.ts";

/** Shelves that say nothing of a Book: BOOK_CATEGORY_UNSPECIFIED and BOOK_CATEGORY_GENERAL. */
export const NO_TASTE: ReadonlySet<BookCategory> = new Set<BookCategory>([0, 16]);

/** What a reader's history says of Books that are not in it. */
export interface Taste {
  /** How like the Books that the reader likes each Book is, and which of them weighs most. */
  readonly like: ReadonlyMap<number, Pull>;
  /** The Books of authors whom the reader likes, each with the one who weighs most. Few, where there are many Books. */
  readonly written: ReadonlyMap<number, Pull & { author: string }>;
  readonly shelves: ReadonlyMap<BookCategory, Pull>;
}

interface Pull {
  strength: number;
  /** The Book that weighs most in it, and how much. */
  because: number;
  most: number;
}

/** @param options.shelves every Book that may be in the history. */
export function tasteOf(history: History, { model, shelves }: { model: Model; shelves: Shelves }): Taste {
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
  const written = new Map<number, Pull & { author: string }>();
  for (const [author, { strength, ...rest }] of authors) {
    const weight = strength / (strength + 1);
    for (const { id } of shelves.by(author)) {
      if (weight > (written.get(id)?.strength ?? 0)) written.set(id, { ...rest, strength: weight, author });
    }
  }
  for (const category of categories.values()) category.strength /= total + 2;
  return { like, written, shelves: categories };
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
