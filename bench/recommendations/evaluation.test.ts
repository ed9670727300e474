import { seededRandom } from "../../services/recommendations/testing.ts";
import { readCatalogue } from "./catalogue.ts";
import { evaluate, type Findings } from "./evaluation.ts";
import { inventPurchases } from "./readers.ts";

const books = readCatalogue(undefined);
const evaluateWith = (seed: number, readers = 600) =>
  evaluate(books, inventPurchases(books, { readers, random: seededRandom(seed) }), seededRandom(seed + 1));

test.each([1, 2])("foresees what readers buy half as well again as popularity does, with many more books (seed %d)", (seed) => {
  const { judged, findings } = evaluateWith(seed);
  const [ours, popularity, random] = findings as [Findings, Findings, Findings];

  expect(judged).toBeGreaterThan(200);
  expect(ours.precision).toBeGreaterThan(1.5 * popularity.precision);
  expect(ours.recall).toBeGreaterThan(1.5 * popularity.recall);
  expect(ours.coverage).toBeGreaterThan(5 * popularity.coverage);
  expect(ours.novelty).toBeGreaterThan(popularity.novelty);
  expect(popularity.precision).toBeGreaterThan(2 * random.precision);
});

test("finds the same each time", () => {
  expect(evaluateWith(1, 100)).toEqual(evaluateWith(1, 100));
});
