import { SingleBar } from "cli-progress";
import { Command, InvalidArgumentError } from "commander";
import { createLogger } from "../runtime/logger.ts";
import { openMarketplaceStore } from "../services/marketplace/store.ts";
import { dataOption } from "./data-option.ts";
import { goodbooksDefaults, ImportError, importGoodbooks } from "./import.ts";

/** Exit statuses of sysexits.h: some of the input was wrong, there was no input. */
const EXIT_BAD_DATA = 65;
const EXIT_NO_INPUT = 66;
const MOST_REFUSALS_SHOWN = 20;

/** `bookmesh import <file>` */
export function importCommand(): Command {
  return new Command("import")
    .description("import books in the format of goodbooks-10k into the catalogue, also while the shop runs")
    .argument("<file>", "a CSV file such as books.csv of goodbooks-10k")
    .addOption(dataOption())
    .option("--database <url>", "the marketplace's store, if it is not in the data folder (default: MARKETPLACE_DATABASE_URL)")
    .option("--category <name>", "the shelf for books that come without one", "general")
    .option("--price <amount>", "the price, in dollars, of books that come without one", checkPrice, "9.99")
    .action(run);
}

interface Options {
  data: string;
  database?: string;
  category: string;
  price: string;
}

async function run(path: string, options: Options): Promise<void> {
  const url = options.database ?? process.env.MARKETPLACE_DATABASE_URL ?? `sqlite:${options.data}/marketplace.db`;
  const bar = new SingleBar({
    format: "{bar} {percentage}%  {duration_formatted}",
    stream: process.stderr,
    clearOnComplete: true,
  });
  const refusals: string[] = [];
  const startedAt = performance.now();
  try {
    const defaults = goodbooksDefaults(options);
    const store = await openMarketplaceStore(url, createLogger({ name: "import", level: "warn" }));
    if (process.stderr.isTTY) bar.start(100, 0);
    const report = await importGoodbooks(path, store, {
      defaults,
      onRefused: (line, problems) => void refusals.push(`${path}:${line}: ${problems.join("; ")}`),
      onProgress: (read, total) => bar.update((100 * read) / total),
    }).finally(() => store.close());
    bar.stop();
    const { rows, added, changed, unchanged, known, refused } = report;
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    print(
      `${count(rows)} rows in ${seconds} s: ${count(added)} added, ${count(changed)} changed, ${count(unchanged)} unchanged, ` +
        `${count(known)} in the built-in catalogue already, ${count(refused)} refused`,
    );
  } catch (error) {
    bar.stop();
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    process.exitCode = missing ? EXIT_NO_INPUT : EXIT_BAD_DATA;
    if (missing) complain(`${path}: there is no such file`);
    else complain(error instanceof ImportError ? `${path}: ${error.message}` : `cannot import: ${(error as Error).message}`);
  }
  if (refusals.length > 0) {
    process.exitCode = EXIT_BAD_DATA;
    refusals.slice(0, MOST_REFUSALS_SHOWN).forEach(complain);
    if (refusals.length > MOST_REFUSALS_SHOWN) complain(`and ${count(refusals.length - MOST_REFUSALS_SHOWN)} more`);
  }
}

function checkPrice(text: string): string {
  if (!/^\d{1,6}\.\d{2}$/.test(text)) throw new InvalidArgumentError("Expected an amount such as 9.99.");
  return text;
}

function count(value: number): string {
  return new Intl.NumberFormat("en").format(value);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}
