import { Failure } from "../../runtime/errors.ts";

/** A book as the tutorial's contract knows it. */
export interface TutorialBook {
  id: number;
  title: string;
}

/** The nine books of the tutorial, by the number of its category. */
const SHELVES: ReadonlyMap<number, readonly TutorialBook[]> = new Map([
  [
    0,
    [
      { id: 1, title: "The Maltese Falcon" },
      { id: 2, title: "Murder on the Orient Express" },
      { id: 3, title: "The Hound of the Baskervilles" },
    ],
  ],
  [
    1,
    [
      { id: 4, title: "The Hitchhiker's Guide to the Galaxy" },
      { id: 5, title: "Ender's Game" },
      { id: 6, title: "The Dune Chronicles" },
    ],
  ],
  [
    2,
    [
      { id: 7, title: "The 7 Habits of Highly Effective People" },
      { id: 8, title: "How to Win Friends and Influence People" },
      { id: 9, title: "Man's Search for Meaning" },
    ],
  ],
]);

/**
 * Different random books of a shelf, as many as there are up to `max`.
 *
 * @param random a number from 0 to 1, 1 excluded.
 * @throws Failure "not-found" if there is no such shelf.
 */
export function sampleShelf(category: number, max: number, random: () => number): TutorialBook[] {
  const shelf = SHELVES.get(category);
  if (shelf === undefined) throw new Failure("not-found", "Category not found");
  // The front of a Fisher-Yates shuffle.
  const books = [...shelf];
  const count = Math.min(max, books.length);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (books.length - i));
    [books[i], books[j]] = [books[j] as TutorialBook, books[i] as TutorialBook];
  }
  return books.slice(0, count);
}
