import { mostAppealing, mostAppealingOfEach, Shelves } from "./shelf.ts";
import { aBook, MYSTERY, POETRY, SF, someBooks } from "./testing.ts";

function shelvesWith(...books: Parameters<Shelves["put"]>[0]): Shelves {
  const shelves = new Shelves();
  shelves.put(books);
  return shelves;
}

const idsFor = (shelves: Shelves, userId: string, max: number) =>
  mostAppealing(shelves.of(MYSTERY), { userId, max }).map(({ id }) => id);

test("recommends the same to a reader each time, whatever order the books came in", () => {
  const books = someBooks(1, 100);

  const once = idsFor(shelvesWith(...books), "7434029", 10);
  const again = idsFor(shelvesWith(...books.toReversed()), "7434029", 10);

  expect(once).toHaveLength(10);
  expect(again).toEqual(once);
});

test("recommends different books to different readers, and none is left out for all", () => {
  const shelves = shelvesWith(...someBooks(1, 20));
  const firsts = Array.from({ length: 300 }, (_, reader) => idsFor(shelves, String(reader), 1)[0]);

  expect(new Set(firsts)).toEqual(new Set(someBooks(1, 20).map(({ id }) => id)));
});

test("recommends the front of the same order when fewer are asked for", () => {
  const shelves = shelvesWith(...someBooks(1, 30));
  const all = idsFor(shelves, "a", 30);

  expect(all.toSorted((a, b) => a - b)).toEqual(someBooks(1, 30).map(({ id }) => id));
  for (let max = 1; max <= 30; max++) expect(idsFor(shelves, "a", max)).toEqual(all.slice(0, max));
});

test("puts well-loved books in front more often", () => {
  const loved = aBook(1, MYSTERY, { average: 4.9, count: 100_000n });
  const shelves = shelvesWith(loved, ...someBooks(2, 10));
  const firsts = Array.from({ length: 1_000 }, (_, reader) => idsFor(shelves, `reader ${reader}`, 1)[0]);

  // One in ten if it were like the others.
  expect(firsts.filter((id) => id === 1).length).toBeGreaterThan(250);
  expect(new Set(firsts).size).toBeGreaterThan(5);
});

test("takes a book from the shelf that it leaves to the one it goes to", () => {
  const shelves = shelvesWith(aBook(1, MYSTERY), aBook(2, MYSTERY));

  expect(shelves.put([aBook(1, SF)])).toEqual(new Set([MYSTERY, SF]));

  expect([...shelves.of(MYSTERY)].map(({ id }) => id)).toEqual([2]);
  expect([...shelves.of(SF)].map(({ id }) => id)).toEqual([1]);
});

test("says which shelves changed", () => {
  const shelves = new Shelves();

  expect(shelves.put([])).toEqual(new Set());
  expect(shelves.put([aBook(1, MYSTERY), aBook(2, POETRY)])).toEqual(new Set([MYSTERY, POETRY]));
  expect(shelves.put([{ ...aBook(1, MYSTERY), title: "Renamed" }])).toEqual(new Set([MYSTERY]));
  expect(shelves.clear()).toEqual(new Set([MYSTERY, POETRY]));
  expect(shelves.empty).toBe(true);
});

test("puts books that many read in front more often", () => {
  const shelves = shelvesWith(...someBooks(1, 20));
  const readersOf = (bookId: number) => (bookId === 7 ? 50 : 0);
  const firsts = Array.from(
    { length: 300 },
    (_, reader) => mostAppealing(shelves.all(), { userId: String(reader), max: 1, readersOf })[0]?.id,
  );

  expect(firsts.filter((id) => id === 7).length).toBeGreaterThan(150);
});

test("takes one book of each shelf before it takes a second one of any", () => {
  const shelves = shelvesWith(...someBooks(1, 50, MYSTERY), ...someBooks(51, 53, SF), aBook(54, POETRY));

  const books = mostAppealingOfEach(shelves, { userId: "a", max: 5 });

  expect(new Set(books.slice(0, 3).map(({ category }) => category))).toEqual(new Set([MYSTERY, SF, POETRY]));
  expect(books.filter(({ category }) => category === SF)).toHaveLength(2);
  expect(mostAppealingOfEach(shelves, { userId: "a", max: 5 })).toEqual(books);
});

test("finds books by their numbers and their authors, as they are now", () => {
  const book = { ...aBook(1), authors: ["Ann", "Bob"] };
  const shelves = shelvesWith(book, { ...aBook(2), authors: ["Bob"] });
  expect(shelves.book(1)).toEqual(book);
  expect([...shelves.by("Bob")].map(({ id }) => id)).toEqual([1, 2]);

  shelves.put([{ ...book, authors: ["Ann"] }]);
  expect([...shelves.by("Bob")].map(({ id }) => id)).toEqual([2]);
  shelves.clear();
  expect([shelves.book(1), [...shelves.by("Ann")], [...shelves.all()]]).toEqual([undefined, [], []]);
});
