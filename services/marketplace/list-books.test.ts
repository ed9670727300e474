import { Status } from "nice-grpc";
import type { MarketplaceClient } from "../../clients/marketplace.ts";
import { type Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { encodePageToken } from "../../runtime/page-token.ts";
import { startMarketplace } from "../../test/support/service.ts";
import { builtInCatalogue, stockShelves } from "./built-in-catalogue.ts";
import { newBook, newBooks } from "./testing.ts";

const { BOOK_CATEGORY_POETRY: POETRY, BOOK_CATEGORY_HORROR: HORROR, BOOK_CATEGORY_TRAVEL: TRAVEL } = BookCategory;

interface Pages {
  sizes: number[];
  totals: Set<number>;
  books: Book[];
}

async function readPages(client: MarketplaceClient, request: { category?: BookCategory; pageSize?: number }): Promise<Pages> {
  const pages: Pages = { sizes: [], totals: new Set(), books: [] };
  let pageToken = "";
  do {
    const page = await client.listBooks({ ...request, pageToken });
    pages.sizes.push(page.books.length);
    pages.totals.add(page.totalSize);
    pages.books.push(...page.books);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return pages;
}

test.each([1, 7, 100])("visits every book once on pages of %d times ten", async (tens) => {
  await using marketplace = await startMarketplace();
  await stockShelves(marketplace.store);
  const count = builtInCatalogue().length;

  const { books, sizes, totals } = await readPages(marketplace.client, { pageSize: Math.min(tens * 10, 100) });

  expect(books.map(({ id }) => id).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  expect(new Set(sizes.slice(0, -1))).toEqual(new Set([Math.min(tens * 10, 100)]));
  expect(totals).toEqual(new Set([count]));
});

test("lists by title, without regard to case, accents and apostrophes", async () => {
  await using marketplace = await startMarketplace();
  const titles = ["Émile", "emma", "Eden", "'Em and Us", "Zorba", "Ábel", "1984"];
  await marketplace.store.add(titles.map((title, i) => newBook(i + 1, title)));

  const { books } = await readPages(marketplace.client, { pageSize: 2 });

  expect(books.map(({ title }) => title)).toEqual(["1984", "Ábel", "Eden", "'Em and Us", "Émile", "emma", "Zorba"]);
});

test("lists books of one title by number, each once", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add(Array.from({ length: 5 }, (_, i) => newBook(i + 1, "Poems", { authors: [`Poet ${i}`] })));

  expect((await readPages(marketplace.client, { pageSize: 2 })).books.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
});

test("lists one category and counts only that", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([
    newBook(1, "B", { category: POETRY }),
    newBook(2, "A", { category: POETRY }),
    newBook(3, "C", { category: HORROR }),
  ]);

  const { books, totals } = await readPages(marketplace.client, { category: POETRY, pageSize: 1 });

  expect(books.map(({ title }) => title)).toEqual(["A", "B"]);
  expect(totals).toEqual(new Set([2]));
  expect((await readPages(marketplace.client, { category: TRAVEL })).books).toEqual([]);
});

test("puts 20 books on a page when the size is not said", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add(newBooks(21));

  expect((await readPages(marketplace.client, {})).sizes).toEqual([20, 1]);
});

test("says NOT_FOUND for a book that is not there", async () => {
  await using marketplace = await startMarketplace();

  await expect(marketplace.client.getBook({ bookId: 1 })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    details: "no such book",
    reason: "BOOK_NOT_FOUND",
  });
});

test("gets several books at once, and leaves out those that are not there", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([newBook(1, "A"), newBook(2, "B"), newBook(3, "C")]);

  const { books } = await marketplace.client.batchGetBooks({ bookIds: [3, 99, 1, 3] });

  expect(books.map(({ title }) => title).sort()).toEqual(["A", "C"]);
  expect((await marketplace.client.batchGetBooks({})).books).toEqual([]);
});

test("gets as many books at once as a full cart has and one more, and no more than 200", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add(newBooks(101));
  const bookIds = Array.from({ length: 201 }, (_, i) => 2 ** 31 - 1 - i);

  expect((await marketplace.client.batchGetBooks({ bookIds: Array.from({ length: 101 }, (_, i) => i + 1) })).books).toHaveLength(
    101,
  );
  expect((await marketplace.client.batchGetBooks({ bookIds: bookIds.slice(1) })).books).toEqual([]);
  await expect(marketplace.client.batchGetBooks({ bookIds })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "book_ids" }],
  });
});

test("counts the books of the categories that have any, in the order of the contract", async () => {
  await using marketplace = await startMarketplace();
  expect((await marketplace.client.listCategories({})).categories).toEqual([]);
  await marketplace.store.add([
    newBook(1, "A", { category: TRAVEL }),
    newBook(2, "B", { category: POETRY }),
    newBook(3, "C", { category: TRAVEL }),
    newBook(4, "D", { category: HORROR }),
  ]);

  expect((await marketplace.client.listCategories({})).categories).toEqual([
    { category: POETRY, bookCount: 1 },
    { category: HORROR, bookCount: 1 },
    { category: TRAVEL, bookCount: 2 },
  ]);
});

test.each([
  ["a category that the contract does not know", { category: 99 as BookCategory }, "category"],
  ["pages of -1", { pageSize: -1 }, "page_size"],
  ["pages of 101", { pageSize: 101 }, "page_size"],
  ["the token of another category", { category: POETRY, pageToken: encodePageToken(["a", 1], HORROR) }, "page_token"],
  ["the token of a search", { pageToken: encodePageToken([1], "a") }, "page_token"],
  ["a token of other types", { pageToken: encodePageToken([1, "a"], 0) }, "page_token"],
  ["what is no token", { pageToken: "';--" }, "page_token"],
  ["a token that is too long", { pageToken: "a".repeat(513) }, "page_token"],
])("refuses %s", async (_what, request, field) => {
  await using marketplace = await startMarketplace();

  await expect(marketplace.client.listBooks(request)).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field }],
  });
});

test("has nothing behind a forged position that no book can have", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([newBook(1, "A"), newBook(2, "C")]);

  const { books } = await marketplace.client.listBooks({ pageToken: encodePageToken([Number.MAX_SAFE_INTEGER], 0) });

  expect(books).toEqual([]);
});

test.each([0, -7])("refuses to get the book with the number %d", async (bookId) => {
  await using marketplace = await startMarketplace();

  await expect(marketplace.client.getBook({ bookId })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "book_id", description: "must be at least 1" }],
  });
});

test("goes on behind a book whose title is longer than any token", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([newBook(1, "A".repeat(1_000)), newBook(2, "B")]);

  const { nextPageToken } = await marketplace.client.listBooks({ pageSize: 1 });
  const { books } = await marketplace.client.listBooks({ pageSize: 1, pageToken: nextPageToken });

  expect(books.map(({ title }) => title)).toEqual(["B"]);
});
