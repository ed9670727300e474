import { Status } from "nice-grpc";
import type { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import type { Recommendation } from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { read } from "../../test/support/service.ts";
import { aBook, GENERAL, MYSTERY, POETRY, SF, someBooks } from "./testing.ts";
import { type Happenings, startRecommendations } from "./testing-service.ts";

const idsOf = (list: readonly Recommendation[]) => list.map(({ book }) => book?.id ?? 0);
const whyOf = (list: readonly Recommendation[], bookId: number) => list.find(({ book }) => book?.id === bookId)?.reason?.why;

/** Ten mysteries and ten of science fiction. */
const BOOKS = [...someBooks(1, 10, MYSTERY), ...someBooks(11, 20, SF)];

/** Readers each of whom buys all of these Books. */
async function readersBuy(happenings: Happenings, count: number, bookIds: readonly number[]): Promise<void> {
  for (let i = 0; i < count; i++) await happenings.buy(`fan-${bookIds.join("-")}-${i}`, bookIds);
}

test("recommends what readers of a bought book bought too, and says because of which", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  await readersBuy(service.happenings, 5, [1, 11]);
  await readersBuy(service.happenings, 5, [2, 12]);
  await service.happenings.buy("ada", [1]);
  await service.learned();

  const { recommendations } = await service.client.recommendForReader({ userId: "ada" });

  expect(recommendations[0]).toEqual({
    book: BOOKS[10],
    reason: { why: { $case: "bought", value: { bookId: 1, title: "Book 1" } } },
  });
});

test("goes by what a reader has rated well, and not by what the reader did not like", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  await readersBuy(service.happenings, 5, [1, 11]);
  await readersBuy(service.happenings, 5, [2, 12]);
  await service.happenings.rate("ada", 1, 5);
  await service.happenings.rate("ada", 2, 1);
  await service.learned();

  const { recommendations } = await service.client.recommendForReader({ userId: "ada", maxResults: 50 });

  expect(whyOf(recommendations, 11)).toEqual({ $case: "rated", value: { bookId: 1, title: "Book 1" } });
  expect(idsOf(recommendations)[0]).toBe(11);
  expect(whyOf(recommendations, 12)?.$case).not.toBe("rated");
  expect(idsOf(recommendations)).not.toContain(1);
  expect(idsOf(recommendations)).not.toContain(2);
});

test("never recommends what the reader has, from the moment that the order was handled", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  const { client, happenings } = service;
  await readersBuy(happenings, 5, [1, 11]);
  await happenings.buy("ada", [1]);
  await service.learned();
  expect(idsOf((await client.recommendForReader({ userId: "ada" })).recommendations)).toContain(11);

  await happenings.buy("ada", [11, 12]);

  const all = await client.recommendForReader({ userId: "ada", maxResults: 50 });
  const shelf = await client.recommend({ userId: "ada", category: SF, maxResults: 50 });
  await using stream = read(client.watchRecommendations({ userId: "ada", category: SF, maxResults: 50 }));
  const watched = await stream.next();
  expect(idsOf(all.recommendations).toSorted((a, b) => a - b)).toEqual([
    2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 18, 19, 20,
  ]);
  for (const { recommendations } of [shelf, watched]) {
    expect(idsOf(recommendations).toSorted((a, b) => a - b)).toEqual([13, 14, 15, 16, 17, 18, 19, 20]);
  }
});

test("recommends again what was in an order that is cancelled, unless another order has it too", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  const { client, happenings } = service;
  const ids = async () => idsOf((await client.recommendForReader({ userId: "ada", maxResults: 50 })).recommendations);
  await happenings.buy("ada", [1, 2], "first");
  await happenings.buy("ada", [2, 3], "second");
  expect(await ids()).not.toEqual(expect.arrayContaining([1]));

  await happenings.cancel("ada", [1, 2], "first");

  expect(await ids()).toContain(1);
  expect(await ids()).not.toContain(2);
  expect(await ids()).not.toContain(3);
});

test("forgets a rating that is taken back", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  await service.happenings.rate("ada", 1, 5);
  await service.happenings.removeRating("ada", 1);

  const { recommendations } = await service.client.recommendForReader({ userId: "ada", maxResults: 50 });

  expect(idsOf(recommendations)).toContain(1);
  expect(recommendations.filter(({ reason }) => reason !== undefined)).toEqual([]);
});

test("takes an order as cancelled also when the clocks of those who tell so differ", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  const { happenings, store, recommendations } = service;
  const placed = await happenings.buy("ada", [1], "first");
  const cancelled = await happenings.cancel("ada", [1], "first");
  const position = cancelled.position + 2n;
  await recommendations.consumer.handle({ ...placed, id: "placed", position: position - 1n });
  expect(await store.interactions.of("ada")).toHaveLength(1);

  const late = new Date((placed.time?.getTime() ?? 0) - 5_000);
  await recommendations.consumer.handle({ ...cancelled, id: "cancelled", position, time: late });

  expect(await store.interactions.of("ada")).toEqual([]);
});

test("counts an event that comes again once, and an older one not at all", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  const { happenings, store } = service;
  const placed = await happenings.buy("ada", [1], "first");
  await happenings.cancel("ada", [1], "first");
  await happenings.rate("ada", 2, 5);
  const before = await store.interactions.of("ada");

  await service.recommendations.consumer.handle(placed);
  // As after a replay from so long ago that nobody knows any more what was handled.
  await service.recommendations.consumer.handle({ ...placed, id: "forgotten" });

  expect(await store.interactions.of("ada")).toEqual(before);
  expect(before).toEqual([{ bookId: 2, bought: false, rating: 5 }]);
});

test("knows from a bought book which authors and shelves a reader likes, before anybody else has bought it", async () => {
  const books: Book[] = [
    { ...aBook(1, MYSTERY), authors: ["Agatha Christie"] },
    { ...aBook(2, GENERAL), authors: ["Agatha Christie"] },
    aBook(3, MYSTERY),
    ...someBooks(4, 30, SF),
  ];
  await using service = await startRecommendations({ books });
  await service.happenings.buy("ada", [1]);
  await service.learned();

  const { recommendations } = await service.client.recommendForReader({ userId: "ada" });

  const becauseOf = { bookId: 1, title: "Book 1" };
  expect(idsOf(recommendations).slice(0, 2)).toEqual([2, 3]);
  expect(whyOf(recommendations, 2)).toEqual({ $case: "sameAuthor", value: { author: "Agatha Christie", becauseOf } });
  expect(whyOf(recommendations, 3)).toEqual({ $case: "sameShelf", value: { category: MYSTERY, becauseOf } });
});

test("gives newcomers some of each shelf, what many read in front", async () => {
  await using service = await startRecommendations({ books: [...BOOKS, ...someBooks(21, 25, POETRY)] });
  await readersBuy(service.happenings, 100, [5, 15]);
  await service.learned();

  const { recommendations } = await service.client.recommendForReader({ userId: "newcomer", maxResults: 9 });

  const shelves = recommendations.map(({ book }) => book?.category);
  for (const shelf of [MYSTERY, SF, POETRY]) expect(shelves.filter((category) => category === shelf)).toHaveLength(3);
  expect(idsOf(recommendations).slice(0, 3)).toEqual(expect.arrayContaining([5, 15]));
  expect(whyOf(recommendations, 5)).toEqual({ $case: "popular", value: { category: MYSTERY } });
});

test("shows books that nobody has bought so far, and says that they are yet to be found", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  await readersBuy(service.happenings, 5, [1, 2, 3, 4, 5, 6, 7, 8]);
  await service.happenings.buy("ada", [1]);
  await service.learned();

  const { recommendations } = await service.client.recommendForReader({ userId: "ada", maxResults: 7 });

  const found = recommendations.filter(({ reason }) => reason?.why?.$case === "undiscovered");
  expect(found).toHaveLength(1);
  expect([9, 10]).toContain(found[0]?.book?.id);
});

test("recommends the same for the same request", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  await readersBuy(service.happenings, 4, [1, 2, 12]);
  await readersBuy(service.happenings, 3, [3, 13]);
  await service.happenings.buy("ada", [1, 3]);
  await service.learned();
  const ask = () => service.client.recommendForReader({ userId: "ada" });

  const once = await ask();

  for (let i = 0; i < 5; i++) expect(await ask()).toEqual(once);
});

test.each([[[1, 2]], [[2, 1]]])("gives the same reason in whatever order the books were bought: %j", async (order) => {
  const books: Book[] = [
    { ...aBook(1, MYSTERY), authors: ["Ann"] },
    { ...aBook(2, SF), authors: ["Bob"] },
    { ...aBook(3, POETRY), authors: ["Bob", "Ann"] },
  ];
  await using service = await startRecommendations({ books });
  for (const bookId of order) await service.happenings.buy("ada", [bookId]);

  const { recommendations } = await service.client.recommendForReader({ userId: "ada" });

  const becauseOf = { bookId: 1, title: "Book 1" };
  expect(recommendations).toEqual([
    { book: books[2], reason: { why: { $case: "sameAuthor", value: { author: "Ann", becauseOf } } } },
  ]);
});

test("tells nobody but the reader why, and a guest with the reader's id nothing of the reader", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  const { client, happenings, users } = service;
  await readersBuy(happenings, 5, [1, 11]);
  const request = { userId: "ada", category: SF, maxResults: 50 };
  const asGuest = () => client.recommend(request, { metadata: users.as("somebody else") });
  const before = await asGuest();
  await happenings.buy("ada", [1, 12]);
  await service.learned();

  const own = await client.recommend(request);
  const other = await asGuest();
  const administrator = await client.recommendForReader(
    { userId: "ada", maxResults: 50 },
    { metadata: users.as("root", { administrator: true }) },
  );

  expect(whyOf(own.recommendations, 11)?.$case).toBe("bought");
  expect(idsOf(own.recommendations)).not.toContain(12);
  expect(idsOf(other.recommendations).toSorted()).toEqual(idsOf(before.recommendations).toSorted());
  for (const { recommendations } of [other, administrator]) {
    const cases = new Set(recommendations.map(({ reason }) => reason?.why?.$case));
    expect(cases.difference(new Set([undefined, "popular"]))).toEqual(new Set());
  }
  await expect(client.recommendForReader({ userId: "ada" }, { metadata: users.as("bob") })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    reason: "USER_NOT_FOUND",
  });
});

test("takes a reader whose token has expired for a guest, where guests may ask", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  await service.happenings.buy("ada", [11]);
  const expired = { metadata: service.users.as("ada", { expiresAt: new Date(Date.now() - 60_000) }) };

  const { recommendations } = await service.client.recommend({ userId: "ada", category: SF, maxResults: 50 }, expired);

  expect(idsOf(recommendations)).toContain(11);
  await expect(service.client.recommendForReader({ userId: "ada" }, expired)).rejects.toMatchObject({
    code: Status.UNAUTHENTICATED,
  });
});

test("shows beside a book what its readers bought too, then its author's, then its shelf's", async () => {
  const books = BOOKS.map((book) => ([1, 20].includes(book.id) ? { ...book, authors: ["Ann"] } : book));
  await using service = await startRecommendations({ books });
  await readersBuy(service.happenings, 3, [1, 11]);
  // Two readers are too few to speak of.
  await readersBuy(service.happenings, 2, [1, 12]);
  await service.learned();

  const { recommendations } = await service.client.similarBooks({ bookId: 1, maxResults: 50 });

  const becauseOf = { bookId: 1, title: "Book 1" };
  expect(idsOf(recommendations)).toEqual([11, 20, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(whyOf(recommendations, 11)).toEqual({ $case: "alsoBought", value: becauseOf });
  expect(whyOf(recommendations, 20)).toEqual({ $case: "sameAuthor", value: { author: "Ann", becauseOf } });
  expect(whyOf(recommendations, 2)).toEqual({ $case: "sameShelf", value: { category: MYSTERY, becauseOf } });
  await expect(service.client.similarBooks({ bookId: 99 })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    details: "no such book",
    reason: "BOOK_NOT_FOUND",
  });
});

test("shows a reader beside a book nothing that the reader has, and a guest all of it", async () => {
  const books = BOOKS.map((book) => ([1, 20].includes(book.id) ? { ...book, authors: ["Ann"] } : book));
  await using service = await startRecommendations({ books });
  const { client, happenings, users } = service;
  await readersBuy(happenings, 3, [1, 11]);
  await readersBuy(happenings, 3, [1, 12]);
  await happenings.buy("ada", [12, 20], "first");
  await happenings.rate("ada", 2, 1);
  await service.learned();
  const similar = async (asWhom: object, request: { userId?: string; maxResults?: number }) =>
    idsOf((await client.similarBooks({ bookId: 1, ...request }, asWhom)).recommendations);
  const ada = { metadata: users.as("ada") };

  const all = [11, 12, 20, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const hers = [11, 3, 4, 5, 6, 7, 8, 9, 10];
  expect(await similar(ada, { userId: "ada", maxResults: 50 })).toEqual(hers);
  expect(await similar(ada, { userId: "ada", maxResults: 3 })).toEqual(hers.slice(0, 3));
  // Nobody learns what somebody has from what is left out.
  const expired = { metadata: users.as("ada", { expiresAt: new Date(Date.now() - 60_000) }) };
  for (const other of [{ metadata: users.as("bob") }, { metadata: users.as("root", { administrator: true }) }, expired]) {
    expect(await similar(other, { userId: "ada", maxResults: 50 })).toEqual(all);
  }
  expect(await similar(ada, { maxResults: 50 })).toEqual(all);

  await happenings.cancel("ada", [12, 20], "first");

  expect(await similar(ada, { userId: "ada", maxResults: 4 })).toEqual([11, 12, 20, 3]);
});
