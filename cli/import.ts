import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type CsvError, parse } from "csv-parse";
import { categoryOf, minorUnits, stockShelves } from "../services/marketplace/built-in-catalogue.ts";
import type { NewBook, Outcome } from "../services/marketplace/intake.ts";
import type { MarketplaceStore } from "../services/marketplace/store.ts";
import { type GoodbooksDefaults, type GoodbooksRow, goodbooksColumns, parseGoodbooksRow } from "./goodbooks.ts";

/** Small enough that a running shop waits for no import, large enough that 10,000 rows take seconds. */
const ROWS_A_TRANSACTION = 500;

/** Thrown when a file cannot be imported at all. */
export class ImportError extends Error {
  override readonly name = "ImportError";
}

export interface ImportReport extends Record<Outcome, number> {
  rows: number;
  refused: number;
}

export interface ImportOptions {
  defaults: GoodbooksDefaults;
  /** Called for each row that is left out: the line it ends in, and what is wrong with it. */
  onRefused(line: number, problems: readonly string[]): void;
  /** Called as the import moves on. */
  onProgress(bytesRead: number, totalBytes: number): void;
}

/** The defaults from what a person types. @throws Error that says what is wrong. */
export function goodbooksDefaults(options: { category: string; price: string }): GoodbooksDefaults {
  return {
    category: categoryOf(options.category.replace("-", "_")),
    price: { currencyCode: "USD", minorUnits: minorUnits(options.price) },
  };
}

/**
 * Imports a file in the format of goodbooks-10k into the catalogue.
 *
 * Rows that cannot be used are left out and reported; all others are imported.
 * Importing a file again changes only what is different in it, so an import that
 * was cut short is finished by running it again.
 *
 * @throws ImportError if the file is not of this format.
 */
export async function importGoodbooks(path: string, store: MarketplaceStore, options: ImportOptions): Promise<ImportReport> {
  const { size } = await stat(path);
  await stockShelves(store);

  const report: ImportReport = { rows: 0, refused: 0, added: 0, changed: 0, unchanged: 0, known: 0 };
  const refuse = (line: number, problems: readonly string[]) => {
    report.rows++;
    report.refused++;
    options.onRefused(line, problems);
  };
  const lineOfId = new Map<number, number>();
  let batch: NewBook[] = [];
  const flush = async () => {
    for (const outcome of await store.add(batch)) report[outcome]++;
    batch = [];
  };

  const parser = parse({ bom: true, info: true, columns: checkHeader, skip_records_with_error: true, relax_column_count: false });
  parser.on("skip", (error: CsvError) => refuse(Number(error.lines), [error.message]));
  const file = createReadStream(path);
  await pipeline(file, parser, async (records: AsyncIterable<{ record: GoodbooksRow; info: { lines: number } }>) => {
    for await (const { record, info } of records) {
      const parsed = parseGoodbooksRow(record, options.defaults);
      if (Array.isArray(parsed)) {
        refuse(info.lines, parsed);
        continue;
      }
      const earlier = lineOfId.get(parsed.sourceId);
      if (earlier !== undefined) {
        refuse(info.lines, [`book_id ${parsed.sourceId} is in line ${earlier} already`]);
        continue;
      }
      lineOfId.set(parsed.sourceId, info.lines);
      report.rows++;
      batch.push(parsed);
      if (batch.length === ROWS_A_TRANSACTION) {
        await flush();
        options.onProgress(file.bytesRead, size);
      }
    }
  });
  await flush();
  options.onProgress(size, size);
  return report;
}

function checkHeader(header: readonly string[]): string[] {
  const missing = goodbooksColumns.filter((column) => !header.includes(column));
  if (missing.length > 0) throw new ImportError(`the file has no column ${missing.join(", ")}; is it goodbooks-10k's books.csv?`);
  return [...header];
}
