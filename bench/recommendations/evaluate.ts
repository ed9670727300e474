import { parseArgs } from "node:util";
import { seededRandom } from "../../services/recommendations/testing.ts";
import { markdownTable } from "../../tools/markdown-table.ts";
import { readCatalogue } from "./catalogue.ts";
import { evaluate } from "./evaluation.ts";
import { inventPurchases } from "./readers.ts";

// Usage: npm run recommendations:evaluate -- [--readers 5000] [--seed 1] [--books books.csv]. What it says is in docs/recommendations.md.

const { values } = parseArgs({
  options: {
    readers: { type: "string", default: "5000" },
    seed: { type: "string", default: "1" },
    /** A file in the format of goodbooks-10k. */
    books: { type: "string" },
  },
});
const readers = Number(values.readers);
const seed = Number(values.seed);
if (!(Number.isInteger(readers) && readers > 0 && Number.isInteger(seed)))
  throw new Error("--readers and --seed take whole numbers");

const books = readCatalogue(values.books);
const purchases = inventPurchases(books, { readers, random: seededRandom(seed) });
const { judged, findings } = evaluate(books, purchases, seededRandom(seed + 1));

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const count = (number: number) => number.toLocaleString("en");
const rows = findings.map(({ name, precision, recall, coverage, novelty }) => [
  ...[name, percent(precision), percent(recall), percent(coverage), novelty.toFixed(2)],
]);
process.stdout.write(
  `${count(books.length)} books, ${count(readers)} readers, ${count(purchases.length)} purchases, ` +
    `${count(judged)} readers who bought before and after the cut; seed ${seed}\n\n`,
);
process.stdout.write(markdownTable([["", "precision@10", "recall@10", "coverage", "novelty, bits"], ...rows]));
