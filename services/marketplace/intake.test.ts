import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { openDatabase } from "../../runtime/database.ts";
import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../../test/support/database.ts";
import { startMarketplace } from "../../test/support/service.ts";
import { stockShelves } from "./built-in-catalogue.ts";
import { BUILT_IN } from "./intake.ts";
import { books, FIRST_FREE_ID } from "./migrations/0001-books.ts";
import type { Schema } from "./schema.ts";
import { openMarketplaceStore } from "./store.ts";
import { importedBook, importedBooks } from "./testing.ts";

const silent = createLogger({ name: "test", level: "silent" });
const RATING = { average: 4.25, count: 1_234n };

test("adds books under ascending numbers, each with a revision of its own", async () => {
  await using marketplace = await startMarketplace();

  expect(await marketplace.store.add([importedBook(10, "A"), importedBook(20, "B")])).toEqual(["added", "added"]);
  expect(await marketplace.store.add([importedBook(5, "C")])).toEqual(["added"]);

  const changes = await marketplace.store.changedAfter(0, 10);
  expect(changes.map(({ book, revision }) => [book.id, book.title, revision])).toEqual([
    [FIRST_FREE_ID, "A", 1],
    [FIRST_FREE_ID + 1, "B", 2],
    [FIRST_FREE_ID + 2, "C", 3],
  ]);
});

test("keeps all that a book says", async () => {
  await using marketplace = await startMarketplace();
  const says = {
    ...{ authors: ["Erste", "Zwei; te"], firstPublished: -700, language: "grc", summary: "A % _ ' \" \\ 😀", rating: RATING },
    price: { currencyCode: "JPY", minorUnits: 9_000_000_000n },
  };

  await marketplace.store.add([importedBook(1, "Die \u201eOdyssee\u201c", says)]);

  expect((await marketplace.client.getBook({ bookId: FIRST_FREE_ID })).book).toMatchObject({
    title: "Die \u201eOdyssee\u201c",
    ...says,
  });
});

test("keeps a book without price, authors or rating as one without", async () => {
  await using marketplace = await startMarketplace();

  await marketplace.store.add([importedBook(1, "Beowulf", { price: undefined, authors: [], rating: undefined })]);

  const { book } = await marketplace.client.getBook({ bookId: FIRST_FREE_ID });
  expect(book).toMatchObject({ authors: [], price: undefined, rating: undefined });
});

test("changes nothing when the same source comes again", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add(importedBooks(250, { rating: RATING }));

  const outcomes = await marketplace.store.add(importedBooks(250, { rating: RATING }));

  expect(new Set(outcomes)).toEqual(new Set(["unchanged"]));
  expect(await marketplace.store.revision()).toBe(250);
  expect((await marketplace.client.listBooks({})).totalSize).toBe(250);
});

test("changes the rows that have changed, and only those", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([importedBook(1, "A"), importedBook(2, "B"), importedBook(3, "C")]);

  const outcomes = await marketplace.store.add([
    importedBook(1, "A"),
    importedBook(2, "B", { rating: RATING }),
    importedBook(3, "D"),
  ]);

  expect(outcomes).toEqual(["unchanged", "changed", "changed"]);
  const changes = await marketplace.store.changedAfter(3, 10);
  expect(changes.map(({ book }) => [book.id, book.title, book.rating])).toEqual([
    [FIRST_FREE_ID + 1, "B", RATING],
    [FIRST_FREE_ID + 2, "D", undefined],
  ]);
});

test("finds a changed title and no longer the old one", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([importedBook(1, "Old name")]);

  await marketplace.store.add([importedBook(1, "New name")]);

  expect((await marketplace.client.searchBooks({ query: "old" })).totalSize).toBe(0);
  expect((await marketplace.client.searchBooks({ query: "new" })).totalSize).toBe(1);
});

test("takes the same number of two sources for two books", async () => {
  await using marketplace = await startMarketplace();

  await marketplace.store.add([importedBook(1, "A"), { ...importedBook(1, "A"), source: "other" }]);

  expect((await marketplace.client.listBooks({})).totalSize).toBe(2);
});

test("takes the last word of a source that says something twice at once", async () => {
  await using marketplace = await startMarketplace();

  const outcomes = await marketplace.store.add([importedBook(1, "A"), importedBook(1, "B"), importedBook(1, "B")]);

  expect(outcomes).toEqual(["added", "changed", "unchanged"]);
  const { books: found } = await marketplace.client.listBooks({});
  expect(found.map(({ id, title }) => [id, title])).toEqual([[FIRST_FREE_ID, "B"]]);
  expect((await marketplace.store.changedAfter(0, 10)).map(({ revision }) => revision)).toEqual([
    await marketplace.store.revision(),
  ]);
});

test("gives a book of the built-in catalogue the rating and leaves its words", async () => {
  await using marketplace = await startMarketplace();
  await stockShelves(marketplace.store);
  const before = (await marketplace.client.getBook({ bookId: 5 })).book;
  const theirs = { authors: ["ORSON SCOTT CARD", "Somebody"], summary: "Theirs", rating: RATING };

  const outcomes = await marketplace.store.add([
    importedBook(1, "Enders Game", theirs),
    importedBook(2, "Ender's Game", { rating: RATING }),
  ]);

  expect(outcomes).toEqual(["known", "added"]);
  expect((await marketplace.client.getBook({ bookId: 5 })).book).toEqual({ ...before, rating: RATING });
});

test("leaves an imported rating alone when the built-in catalogue is put on the shelves again", async () => {
  await using marketplace = await startMarketplace();
  await stockShelves(marketplace.store);
  await marketplace.store.add([importedBook(1, "Ender's Game", { authors: ["Orson Scott Card"], rating: RATING })]);
  const revision = await marketplace.store.revision();

  await stockShelves(marketplace.store);

  expect((await marketplace.client.getBook({ bookId: 5 })).book?.rating).toEqual(RATING);
  expect(await marketplace.store.revision()).toBe(revision);
});

test("adds all or none", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([importedBook(1, "A")]);

  const clash = { ...importedBook(3, "C"), id: FIRST_FREE_ID };
  await expect(marketplace.store.add([importedBook(2, "B"), clash])).rejects.toThrow();

  expect(await marketplace.store.revision()).toBe(1);
  expect((await marketplace.client.listBooks({})).books.map(({ title }) => title)).toEqual(["A"]);
});

test("adds each book once when two intakes come at once", async () => {
  await using marketplace = await startMarketplace();

  const outcomes = await Promise.all([marketplace.store.add(importedBooks(300)), marketplace.store.add(importedBooks(300))]);

  expect(outcomes.map((some) => new Set(some))).toEqual(expect.arrayContaining([new Set(["added"]), new Set(["unchanged"])]));
  expect((await marketplace.client.listBooks({})).totalSize).toBe(300);
  expect(await marketplace.store.revision()).toBe(300);
});

test("adds each book once when two processes import at once", async () => {
  await using database = await testDatabase();
  const imports = [1, 2].map(() =>
    fork(fileURLToPath(new URL("./testing-import.ts", import.meta.url)), [database.url], { execArgv: [] }),
  );
  const said = async (child: (typeof imports)[number]) => (await once(child, "message"))[0];
  expect(await Promise.all(imports.map(said))).toEqual(["ready", "ready"]);

  const outcomes = imports.map(said);
  const exits = imports.map((child) => once(child, "exit"));
  for (const child of imports) child.send("go");

  const sets = (await Promise.all(outcomes)).map((some) => new Set(some));
  expect(sets).toEqual(expect.arrayContaining([new Set(["added"]), new Set(["unchanged"])]));
  expect((await Promise.all(exits)).map(([status]) => status)).toEqual([0, 0]);
});

test("never gives the number of a book that is gone to another", async () => {
  await using database = await testDatabase();
  const store = await openMarketplaceStore(database.url, silent);
  await store.add(importedBooks(3));
  await store.close();
  const { db, close } = await openDatabase<Schema>({ url: database.url, migrations: { "0001-books": books }, logger: silent });
  await db.deleteFrom("books").where("id", ">", FIRST_FREE_ID).execute();
  await close();

  await using marketplace = await startMarketplace({ url: database.url });
  await marketplace.store.add([importedBook(77, "New")]);

  const { books: found } = await marketplace.client.listBooks({});
  expect(found.map(({ id, title }) => [id, title])).toEqual([
    [FIRST_FREE_ID, "Book 0000"],
    [FIRST_FREE_ID + 3, "New"],
  ]);
});

test("a built-in book that comes with a later release has its own number, whatever was imported before", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add(importedBooks(10));

  await marketplace.store.add([{ ...importedBook(454, "Built in later"), source: BUILT_IN, id: 454 }]);

  expect((await marketplace.client.getBook({ bookId: 454 })).book?.title).toBe("Built in later");
});

test("of two editions of a built-in book the one that more have rated speaks for it, every time", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([{ ...importedBook(1, "Emma"), source: BUILT_IN, id: 1 }]);
  const editions = [
    importedBook(1, "Emma", { rating: { average: 4, count: 10n } }),
    importedBook(2, "Emma", { rating: { average: 3, count: 5n } }),
  ];
  await marketplace.store.add(editions);
  const revision = await marketplace.store.revision();

  await marketplace.store.add(editions.toReversed());

  expect((await marketplace.client.getBook({ bookId: 1 })).book?.rating).toEqual({ average: 4, count: 10n });
  expect(await marketplace.store.revision()).toBe(revision);
});
