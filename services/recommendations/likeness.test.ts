import { LikenessLearner } from "./likeness.ts";
import { type Model, readersOf, visitLike } from "./model.ts";
import { seededRandom } from "./testing.ts";

const POSITION = { storeId: "store", revision: 1 };

function learned(readers: Readonly<Record<string, readonly number[]>>): Model {
  const learner = new LikenessLearner();
  for (const [reader, liked] of Object.entries(readers)) learner.setLiked(reader, liked);
  return learner.learn(POSITION);
}

function like(model: Model, bookId: number): [bookId: number, likeness: number][] {
  const found: [number, number][] = [];
  visitLike(model, bookId, (other, likeness) => found.push([other, likeness]));
  return found;
}

/** What some readers like, out of 40 books of which the first are liked by most. */
function someReaders(count: number, random: () => number): Record<string, number[]> {
  const liked = () => [...new Set(Array.from({ length: Math.floor(random() * 8) }, () => 1 + Math.floor(40 * random() ** 2)))];
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`reader-${i}`, liked()]));
}

test("finds books the more alike, the more of their readers they have in common, and the less chance it may be", () => {
  const model = learned({ a: [1, 2], b: [1, 2], c: [1, 2], d: [1, 2, 3], e: [1, 3], f: [1, 3], g: [3] });

  // The cosine, shrunk: 4 of 6 and of 4 readers, 3 of 6 and of 4.
  expect(like(model, 1)).toEqual([
    [2, expect.closeTo((4 / Math.sqrt(6 * 4)) * (4 / 14))],
    [3, expect.closeTo((3 / Math.sqrt(6 * 4)) * (3 / 13))],
  ]);
  expect(like(model, 2)).toEqual([[1, expect.closeTo((4 / Math.sqrt(6 * 4)) * (4 / 14))]]);
  expect([1, 2, 3, 4].map((bookId) => readersOf(model, bookId))).toEqual([6, 4, 4, 0]);
});

test("says nothing of what fewer than three readers do", () => {
  const model = learned({ a: [1, 2], b: [1, 2], c: [1] });

  expect(like(model, 1)).toEqual([]);
  expect([readersOf(model, 1), readersOf(model, 2)]).toEqual([3, 0]);
});

test("learns the same in whatever order readers come", () => {
  const readers = Object.entries(someReaders(300, seededRandom(1)));

  expect(learned(Object.fromEntries(readers.toReversed()))).toEqual(learned(Object.fromEntries(readers)));
});

test("learns from changes what it would learn from everything anew", () => {
  const random = seededRandom(2);
  const readers = someReaders(200, random);
  const learner = new LikenessLearner();
  for (const [reader, liked] of Object.entries(readers)) learner.setLiked(reader, liked);
  learner.learn(POSITION);

  for (let round = 0; round < 30; round++) {
    const changed = someReaders(1 + Math.floor(random() * 5), random);
    for (const [reader, liked] of Object.entries(changed)) {
      const name = `reader-${Math.floor(random() * 250)}`;
      readers[name] = reader === "reader-0" ? [] : liked;
      learner.setLiked(name, readers[name]);
    }
    expect(learner.learn(POSITION)).toEqual(learned(readers));
  }
});

test("forgets a book that nobody likes any more", () => {
  const learner = new LikenessLearner();
  for (const reader of ["a", "b", "c"]) learner.setLiked(reader, [1, 2]);
  expect([...learner.learn(POSITION).bookIds]).toEqual([1, 2]);

  for (const reader of ["a", "b", "c"]) learner.setLiked(reader, [2]);

  const model = learner.learn(POSITION);
  expect([...model.bookIds]).toEqual([2]);
  expect(like(model, 2)).toEqual([]);
});
