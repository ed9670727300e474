import { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { Wakeups } from "../../runtime/wakeups.ts";

export const { BOOK_CATEGORY_MYSTERY: MYSTERY, BOOK_CATEGORY_SCIENCE_FICTION: SF, BOOK_CATEGORY_POETRY: POETRY } = BookCategory;
export const { BOOK_CATEGORY_GENERAL: GENERAL } = BookCategory;

/** A Book for tests. */
export function aBook(id: number, category: BookCategory = MYSTERY, rating?: { average: number; count: bigint }): Book {
  return Book.fromPartial({ id, title: `Book ${id}`, category, rating });
}

/** Books with the numbers `from` to `to`. */
export function someBooks(from: number, to: number, category: BookCategory = MYSTERY): Book[] {
  return Array.from({ length: to - from + 1 }, (_, i) => aBook(from + i, category));
}

/** Random numbers from 0 to 1 that are the same each time (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Wakeups that a test can wait for. */
export class NoticedWakeups extends Wakeups<BookCategory> {
  readonly #waiting = new Set<() => void>();

  override wake(category: BookCategory): void {
    super.wake(category);
    for (const check of this.#waiting) check();
  }

  /** Resolves when the condition holds, which is looked at whenever somebody is woken. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const check = () => {
        if (!condition()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
    });
  }
}
