import { BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { startMarketplace } from "../../test/support/service.ts";
import { builtInCatalogue, categoryOf, minorUnits, stockShelves } from "./built-in-catalogue.ts";
import { BUILT_IN } from "./intake.ts";
import { columnsOf } from "./schema.ts";

const catalogue = builtInCatalogue();
const { BOOK_CATEGORY_MYSTERY: MYSTERY, BOOK_CATEGORY_SCIENCE_FICTION: SF, BOOK_CATEGORY_SELF_HELP: SELF_HELP } = BookCategory;

test("has at least 400 books", () => {
  expect(catalogue.length).toBeGreaterThanOrEqual(400);
});

test("has the nine books of the tutorial under their numbers", () => {
  expect(catalogue.slice(0, 9).map(({ id, book: { title, category } }) => [id, title, category])).toEqual([
    [1, "The Maltese Falcon", MYSTERY],
    [2, "Murder on the Orient Express", MYSTERY],
    [3, "The Hound of the Baskervilles", MYSTERY],
    [4, "The Hitchhiker's Guide to the Galaxy", SF],
    [5, "Ender's Game", SF],
    [6, "The Dune Chronicles", SF],
    [7, "The 7 Habits of Highly Effective People", SELF_HELP],
    [8, "How to Win Friends and Influence People", SELF_HELP],
    [9, "Man's Search for Meaning", SELF_HELP],
  ]);
});

test("has no book twice, by number or by title and author", () => {
  expect(new Set(catalogue.map(({ id }) => id)).size).toBe(catalogue.length);
  expect(new Set(catalogue.map(({ sourceId }) => sourceId)).size).toBe(catalogue.length);
  const works = catalogue.map(({ book }) => columnsOf(book).work_key);
  expect(works.filter((work, index) => works.indexOf(work) !== index)).toEqual([]);
});

test("says of each book what a shop must know", () => {
  const wrong = catalogue.filter(({ source, id, book }) => {
    const { title, authors, category, price, summary, firstPublished, language } = book;
    const known = Object.values(BookCategory).includes(category) && category > 0;
    const sold = price?.currencyCode === "USD" && price.minorUnits > 0n;
    const said = [title, summary, ...authors].every((text) => text !== "" && text === text.trim());
    const named =
      source === BUILT_IN && Number.isInteger(id) && Number.isInteger(firstPublished) && /^[a-z]{2,3}$/.test(language);
    return !(known && sold && said && named && authors.length > 0);
  });

  expect(wrong).toEqual([]);
});

test("has books of every category that is not for what nobody has sorted", () => {
  const stocked = new Set(catalogue.map(({ book }) => book.category));
  const all = Object.values(BookCategory).filter((category) => category > 0 && category !== BookCategory.BOOK_CATEGORY_GENERAL);
  expect(all.filter((category) => !stocked.has(category))).toEqual([]);
});

test("can be put on the shelves twice and changes nothing the second time", async () => {
  await using marketplace = await startMarketplace();
  await stockShelves(marketplace.store);
  const revision = await marketplace.store.revision();
  const before = await marketplace.store.changedAfter(0, 1_000);

  await stockShelves(marketplace.store);

  expect(await marketplace.store.revision()).toBe(revision);
  expect(await marketplace.store.changedAfter(0, 1_000)).toEqual(before);
  expect(before.map(({ book }) => book)).toEqual(catalogue.map(({ id, book }) => ({ ...book, id })));
});

test("is sold under the numbers of the tutorial", async () => {
  await using marketplace = await startMarketplace();
  await stockShelves(marketplace.store);

  const { book } = await marketplace.client.getBook({ bookId: 5 });

  expect(book).toMatchObject({
    ...{ id: 5, title: "Ender's Game", authors: ["Orson Scott Card"], firstPublished: 1985, language: "en" },
    price: { currencyCode: "USD", minorUnits: 999n },
  });
});

test.each([
  ["12.99", 1299n],
  ["0.05", 5n],
  ["1000000000000000.01", 100000000000000001n],
])("reads the price %s as %d cents", (text, cents) => {
  expect(minorUnits(text)).toBe(cents);
});

test.each(["12", "12.9", "12.999", "-1.00", "1,50", "", "1e3"])("refuses %j as a price", (text) => {
  expect(() => minorUnits(text)).toThrow("not a price");
});

test.each(["cookery", "unspecified", "", "constructor"])("refuses %j as a category", (name) => {
  expect(() => categoryOf(name)).toThrow("no category");
});
