import { BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import type { NewBook } from "./intake.ts";

type Said = NewBook["book"];

/** A Book for tests, with the same number in the catalogue as at its source. */
export function newBook(sourceId: number, title: string, says: Partial<Said> = {}): NewBook {
  return { ...importedBook(sourceId, title, says), id: sourceId };
}

/** A Book for tests as an import brings it: the catalogue gives it a number. */
export function importedBook(sourceId: number, title: string, says: Partial<Said> = {}): NewBook {
  return {
    source: "test",
    sourceId,
    book: {
      title,
      authors: ["Ann Author"],
      firstPublished: 1999,
      category: BookCategory.BOOK_CATEGORY_GENERAL,
      language: "en",
      price: { currencyCode: "USD", minorUnits: 999n },
      summary: "",
      rating: undefined,
      ...says,
    },
  };
}

/** `count` Books called "Book 0000", "Book 0001" … */
export function newBooks(count: number, says: Partial<Said> = {}): NewBook[] {
  return Array.from({ length: count }, (_, i) => newBook(i + 1, `Book ${String(i).padStart(4, "0")}`, says));
}

/** The same without numbers in the catalogue. */
export function importedBooks(count: number, says: Partial<Said> = {}): NewBook[] {
  return newBooks(count, says).map(({ id: _id, ...book }) => book);
}
