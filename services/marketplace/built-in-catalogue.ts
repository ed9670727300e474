import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { BUILT_IN, type NewBook } from "./intake.ts";
import type { MarketplaceStore } from "./store.ts";

interface Row {
  id: string;
  title: string;
  authors: string;
  first_published: string;
  category: string;
  language: string;
  price: string;
  summary: string;
}

/** The Books that every shop starts with. The first nine have the numbers they have in the tutorial's contract. */
export function builtInCatalogue(): NewBook[] {
  const file = readFileSync(new URL("./catalogue.csv", import.meta.url));
  const rows: Row[] = parse(file, { columns: true });
  return rows.map((row) => ({
    source: BUILT_IN,
    sourceId: Number(row.id),
    id: Number(row.id),
    book: {
      title: row.title,
      authors: row.authors.split("; "),
      firstPublished: Number(row.first_published),
      category: categoryOf(row.category),
      language: row.language,
      price: { currencyCode: "USD", minorUnits: minorUnits(row.price) },
      summary: row.summary,
      rating: undefined,
    },
  }));
}

/** Puts the built-in catalogue into the store. What is there already is brought up to date. */
export async function stockShelves(store: Pick<MarketplaceStore, "add">): Promise<void> {
  await store.add(builtInCatalogue());
}

/**
 * The category by its short name: "science_fiction".
 *
 * @throws Error if there is none.
 */
export function categoryOf(name: string): BookCategory {
  const category = BookCategory[`BOOK_CATEGORY_${name.toUpperCase()}` as keyof typeof BookCategory];
  if (category > 0) return category;
  const constants = Object.entries(BookCategory).filter(([, value]) => value > 0);
  const names = constants.map(([constant]) => constant.replace("BOOK_CATEGORY_", "").toLowerCase());
  throw new Error(`no category ${JSON.stringify(name)}; there are ${names.join(", ")}`);
}

/** "12.99" is 1299n, without a detour over floating point. */
export function minorUnits(price: string): bigint {
  const match = /^(\d+)\.(\d{2})$/.exec(price);
  if (match === null) throw new Error(`not a price: ${JSON.stringify(price)}`);
  return BigInt(`${match[1]}${match[2]}`);
}
