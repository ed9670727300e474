import { z } from "zod";
import type { NewBook } from "../services/marketplace/intake.ts";

/** The columns of goodbooks-10k that the catalogue has a use for. */
export const goodbooksColumns = [
  "book_id",
  "authors",
  "original_publication_year",
  "title",
  "language_code",
  "average_rating",
  "ratings_count",
] as const;

export type GoodbooksRow = Readonly<Record<(typeof goodbooksColumns)[number], string>>;

/** What goodbooks-10k does not say. */
export interface GoodbooksDefaults {
  category: NewBook["book"]["category"];
  price: NonNullable<NewBook["book"]["price"]>;
}

const digits = (name: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `${name} must be a whole number`)
    .transform(Number);

const row = z.object({
  book_id: digits("book_id"),
  authors: z.string().trim().min(1, "authors must not be empty").max(2_000, "authors must be at most 2,000 characters long"),
  // The source writes years as "1997.0".
  original_publication_year: z
    .string()
    .regex(/^(-?\d{1,4}(\.0)?)?$/, "original_publication_year must be a year or empty")
    .transform((text) => Number.parseInt(text || "0", 10)),
  title: z.string().trim().min(1, "title must not be empty").max(1_000, "title must be at most 1,000 characters long"),
  language_code: z.string().transform(languageTag),
  average_rating: z
    .string()
    .regex(/^\d(\.\d+)?$/, "average_rating must be 0 to 5")
    .transform(Number)
    .refine((value) => value <= 5, "average_rating must be 0 to 5"),
  ratings_count: digits("ratings_count"),
});

/** A series in brackets behind a title: "The Hunger Games (The Hunger Games, #1)". */
const SERIES = /\s*\(([^()]*#[^()]*)\)\s*$/;

/**
 * The book that a row of goodbooks-10k is about.
 *
 * @returns everything that is wrong with the row if it cannot be used.
 */
export function parseGoodbooksRow(record: GoodbooksRow, defaults: GoodbooksDefaults): NewBook | string[] {
  const result = row.safeParse(record);
  if (!result.success) return result.error.issues.map(({ message }) => message);
  const { book_id: sourceId, title, authors, ratings_count: count, average_rating: average } = result.data;
  return {
    source: "goodbooks",
    sourceId,
    book: {
      title: title.replace(SERIES, "") || title,
      authors: authors.split(/\s*,\s*/).filter((author) => author !== ""),
      firstPublished: result.data.original_publication_year,
      category: defaults.category,
      language: result.data.language_code,
      price: defaults.price,
      summary: SERIES.exec(title)?.[1] ?? "",
      rating: count === 0 ? undefined : { average, count: BigInt(count) },
    },
  };
}

/** "eng" is "en"; what is no language is "". */
function languageTag(code: string): string {
  try {
    return Intl.getCanonicalLocales(code)[0] ?? "";
  } catch {
    return "";
  }
}
