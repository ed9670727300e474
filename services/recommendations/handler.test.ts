import { Status } from "nice-grpc";
import { recommendationsClient } from "../../clients/recommendations.ts";
import type { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { RecommendationsServiceDefinition } from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { read, startService } from "../../test/support/service.ts";
import { recommendationsHandler } from "./handler.ts";
import { Shelves } from "./shelf.ts";
import { aBook, MYSTERY, NoticedWakeups, POETRY, SF, someBooks } from "./testing.ts";

async function start(books: Book[]) {
  const shelves = new Shelves();
  const wakeups = new NoticedWakeups();
  shelves.put(books);
  const service = await startService({
    add: (server) => server.add(RecommendationsServiceDefinition, recommendationsHandler({ shelves, wakeups })),
    client: recommendationsClient,
  });
  /** What the follower of the catalogue does with a change. */
  const change = (changed: Book[]) => {
    for (const category of shelves.put(changed)) wakeups.wake(category);
  };
  return { ...service, change };
}

const idsIn = ({ recommendations }: { recommendations: { book?: Book | undefined }[] }) =>
  recommendations.map(({ book }) => book?.id ?? 0);

test("recommends whole books of the shelf that is asked for", async () => {
  const books = [aBook(1, MYSTERY, { average: 4.5, count: 9n }), aBook(2, SF)];
  await using service = await start(books);

  const { recommendations } = await service.client.recommend({ userId: "7434029", category: MYSTERY });

  expect(recommendations).toEqual([{ book: books[0] }]);
});

test("recommends the same for the same request, and in another order for another reader", async () => {
  await using service = await start(someBooks(1, 50));
  const ask = async (userId: string) => idsIn(await service.client.recommend({ userId, category: MYSTERY, maxResults: 50 }));

  const [once, again, other, guest, otherGuest] = [await ask("1"), await ask("1"), await ask("2"), await ask(""), await ask("")];

  expect(again).toEqual(once);
  expect(other).not.toEqual(once);
  expect(other.toSorted()).toEqual(once.toSorted());
  expect(guest).not.toEqual(once);
  expect(otherGuest).toEqual(guest);
});

test.each([
  [0, 10],
  [1, 1],
  [3, 3],
  [50, 12],
])("recommends no more than max_results %d asks for, and no more than there are: %d of 12", async (maxResults, count) => {
  await using service = await start(someBooks(1, 12));

  const { recommendations } = await service.client.recommend({ category: MYSTERY, maxResults });

  expect(recommendations).toHaveLength(count);
});

test("says NOT_FOUND for a category without books", async () => {
  await using service = await start([aBook(1, SF)]);

  await expect(service.client.recommend({ category: POETRY })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    details: "no books in this category",
    reason: "SHELF_EMPTY",
  });
});

test.each([
  ["no category", {}, "category", "is required"],
  [
    "a category that the contract does not know",
    { category: 99 as BookCategory },
    "category",
    "must be one of the values of the contract",
  ],
  ["-1 results", { category: MYSTERY, maxResults: -1 }, "max_results", "must be 0 to 50"],
  ["51 results", { category: MYSTERY, maxResults: 51 }, "max_results", "must be 0 to 50"],
  [
    "a reader with too long an id",
    { category: MYSTERY, userId: "x".repeat(37) },
    "user_id",
    "must be at most 36 characters long",
  ],
])("refuses %s, once and as a stream", async (_what, request, field, description) => {
  await using service = await start(someBooks(1, 3));
  const refused = { code: Status.INVALID_ARGUMENT, violations: [{ field, description }] };

  await expect(service.client.recommend(request)).rejects.toMatchObject(refused);
  await expect(read(service.client.watchRecommendations(request)).next()).rejects.toMatchObject(refused);
});

test.each([
  ["no book", { bookId: 0 }, "book_id", "must be at least 1"],
  ["51 results", { bookId: 1, maxResults: 51 }, "max_results", "must be 0 to 50"],
  ["a reader with too long an id", { bookId: 1, userId: "x".repeat(37) }, "user_id", "must be at most 36 characters long"],
])("refuses %s to compare", async (_what, request, field, description) => {
  await using service = await start(someBooks(1, 3));

  await expect(service.client.similarBooks(request)).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field, description }],
  });
});

test.each([-1, 51])("refuses a reader %d results of all shelves", async (maxResults) => {
  await using service = await start(someBooks(1, 3));

  await expect(service.client.recommendForReader({ userId: "a", maxResults })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "max_results", description: "must be 0 to 50" }],
  });
});

test("sends the list at once and again after each change of the shelf", async () => {
  await using service = await start([aBook(1)]);
  await using stream = read(service.client.watchRecommendations({ category: MYSTERY }));
  expect(idsIn(await stream.next())).toEqual([1]);

  service.change([aBook(2)]);
  expect(idsIn(await stream.next()).toSorted()).toEqual([1, 2]);
  service.change([aBook(1, SF)]);
  expect(idsIn(await stream.next())).toEqual([2]);
});

test("sends nothing for a change of another shelf", async () => {
  await using service = await start([aBook(1)]);
  await using stream = read(service.client.watchRecommendations({ category: MYSTERY }));
  await using other = read(service.client.watchRecommendations({ category: SF }));
  await stream.next();
  await other.next();

  service.change([aBook(10, SF)]);
  // By now the change has gone out to whom it concerns.
  expect(idsIn(await other.next())).toEqual([10]);
  service.change([aBook(2)]);

  expect(idsIn(await stream.next()).toSorted()).toEqual([1, 2]);
});

test("sends an empty list for an empty shelf, and the first book when it comes", async () => {
  await using service = await start([]);
  await using stream = read(service.client.watchRecommendations({ category: POETRY, maxResults: 3 }));
  expect(idsIn(await stream.next())).toEqual([]);

  service.change([aBook(1, POETRY)]);

  expect(idsIn(await stream.next())).toEqual([1]);
});

test("keeps to max_results in every list that it sends", async () => {
  await using service = await start(someBooks(1, 20));
  await using stream = read(service.client.watchRecommendations({ category: MYSTERY, maxResults: 4 }));
  expect((await stream.next()).recommendations).toHaveLength(4);

  service.change(someBooks(21, 40));

  expect((await stream.next()).recommendations).toHaveLength(4);
});

test("ends the stream with UNAVAILABLE when the server stops", async () => {
  await using service = await start([aBook(1)]);
  await using stream = read(service.client.watchRecommendations({ category: MYSTERY }));
  await stream.next();
  const ending = expect(stream.next()).rejects.toMatchObject({ code: Status.UNAVAILABLE });

  await service.server.drain();

  await ending;
});
