import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { type GoodbooksRow, parseGoodbooksRow } from "../../cli/goodbooks.ts";
import { goodbooksDefaults } from "../../cli/import.ts";
import type { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import { builtInCatalogue } from "../../services/marketplace/built-in-catalogue.ts";

/** Where imported Books begin, as in a shop that had nothing but its own before. */
const FIRST_IMPORTED = 10_001;

/** The real catalogue. @param path a file in the format of goodbooks-10k, whose Books come on top. */
export function readCatalogue(path: string | undefined): Book[] {
  const own = builtInCatalogue().map(({ id = 0, book }) => ({ ...book, id }));
  if (path === undefined) return own;
  const defaults = goodbooksDefaults({ category: "general", price: "9.99" });
  const rows: GoodbooksRow[] = parse(readFileSync(path), { bom: true, columns: true });
  const imported = rows.flatMap((row) => {
    const parsed = parseGoodbooksRow(row, defaults);
    return Array.isArray(parsed) ? [] : parsed.book;
  });
  return [...own, ...imported.map((book, i) => ({ ...book, id: FIRST_IMPORTED + i }))];
}
