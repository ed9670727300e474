import type { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import { fold, foldWords } from "./fold.ts";

export interface BookRow {
  id: number;
  source: string;
  source_id: number;
  title: string;
  authors: string;
  first_published: number;
  category: number;
  language: string;
  price_currency: string;
  price_minor_units: number;
  summary: string;
  rating_average: number;
  rating_count: number;
  title_key: string;
  search_text: string;
  work_key: string;
  revision: number;
}

export interface Schema {
  catalogue: { revision: number; next_id: number; catalogue_id: string };
  books: BookRow;
}

/** Cannot stand in a name, so it parts names. */
const SEPARATOR = "\n";

/** The columns that hold what a Book says. */
export function columnsOf(book: Omit<Book, "id">): Omit<BookRow, "id" | "source" | "source_id" | "revision"> {
  return {
    title: book.title,
    authors: book.authors.join(SEPARATOR),
    first_published: book.firstPublished,
    category: book.category,
    language: book.language,
    price_currency: book.price?.currencyCode ?? "",
    price_minor_units: Number(book.price?.minorUnits ?? 0n),
    summary: book.summary,
    rating_average: book.rating?.average ?? 0,
    rating_count: Number(book.rating?.count ?? 0n),
    title_key: fold(book.title),
    // A space before every word, so that "% word%" finds beginnings of words only.
    search_text: [...foldWords(book.title), "|", ...book.authors.flatMap(foldWords)].map((word) => ` ${word}`).join(""),
    work_key: workKey(book.title, book.authors[0] ?? ""),
  };
}

/** The same for every edition of a book: its title and its first author. */
export function workKey(title: string, author: string): string {
  return `${fold(title)}|${fold(author)}`;
}

export function bookOf(row: BookRow): Book {
  return {
    id: row.id,
    title: row.title,
    authors: row.authors === "" ? [] : row.authors.split(SEPARATOR),
    firstPublished: row.first_published,
    category: row.category as Book["category"],
    language: row.language,
    price:
      row.price_currency === "" ? undefined : { currencyCode: row.price_currency, minorUnits: BigInt(row.price_minor_units) },
    summary: row.summary,
    rating: row.rating_count > 0 ? { average: row.rating_average, count: BigInt(row.rating_count) } : undefined,
  };
}
