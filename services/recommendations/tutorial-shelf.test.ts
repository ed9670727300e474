import { Failure } from "../../runtime/errors.ts";
import { seededRandom } from "./testing.ts";
import { sampleShelf } from "./tutorial-shelf.ts";

/** What many draws give, each as its numbers in the order drawn. */
function draws(category: number, max: number, times = 2_000): number[][] {
  const random = seededRandom(7_434_029);
  return Array.from({ length: times }, () => sampleShelf(category, max, random).map(({ id }) => id));
}

test.each([0, 1, 2, 3, 4, 2_147_483_647])("draws %d different books, or all three when there are no more", (max) => {
  for (const ids of draws(1, max)) {
    expect(ids).toHaveLength(Math.min(max, 3));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => [4, 5, 6].includes(id))).toBe(true);
  }
});

test.each([
  [1, 3],
  [2, 6],
  [3, 6],
])("draws each of the ways to take %d of three books, about as often as the others", (max, ways) => {
  const times = 6_000;
  const counts = new Map<string, number>();
  for (const ids of draws(0, max, times)) counts.set(ids.join(), (counts.get(ids.join()) ?? 0) + 1);

  expect(counts.size).toBe(ways);
  for (const count of counts.values()) {
    expect(count).toBeGreaterThan((times / ways) * 0.85);
    expect(count).toBeLessThan((times / ways) * 1.15);
  }
});

test("draws with the largest number that random gives", () => {
  expect(sampleShelf(2, 3, () => 1 - Number.EPSILON).map(({ id }) => id)).toEqual([9, 7, 8]);
});

test("leaves the shelf as it is", () => {
  const first = sampleShelf(0, 3, () => 0);
  for (const _ of draws(0, 3, 100)) expect(sampleShelf(0, 3, () => 0)).toEqual(first);
});

test.each([7, -1, 0.5, Number.NaN])("knows no shelf %d", (category) => {
  expect(() => sampleShelf(category, 3, Math.random)).toThrow(new Failure("not-found", "Category not found"));
});
