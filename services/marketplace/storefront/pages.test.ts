import { encodePageToken } from "../../../runtime/page-token.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { builtInCatalogue, stockShelves } from "../built-in-catalogue.ts";
import { newBook } from "../testing.ts";
import { countOf, openShop } from "./testing.ts";

async function stocked() {
  const marketplace = await startMarketplace();
  await stockShelves(marketplace.store);
  return marketplace;
}

/** The numbers of the books on a page, and the address of the next page. */
function read(body: string): { ids: number[]; next: string | undefined } {
  const ids = [...body.matchAll(/<article class="card">\s*<a href="\/books\/(\d+)">/g)].map(([, id]) => Number(id));
  const next = /<a class="button" href="([^"]+)" rel="next">/.exec(body)?.[1];
  return { ids, next: next?.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))) };
}

test.each([
  ["/books", builtInCatalogue().map(({ id }) => id)],
  ["/categories/science-fiction", builtInCatalogue().flatMap(({ id, book }) => (book.category === 2 ? [id] : []))],
  ["/search?q=the", undefined],
])("leads from page to page of %s through every book once", async (address, expected) => {
  await using marketplace = await stocked();
  await using shop = await openShop(marketplace);
  const wanted = expected ?? (await marketplace.store.search(["the"], { offset: 0, limit: 1_000 })).books.map(({ id }) => id);
  const found: number[] = [];

  for (let next: string | undefined = address; next !== undefined; ) {
    const { statusCode, body } = await shop.inject(next);
    expect(statusCode).toBe(200);
    const page = read(body);
    found.push(...page.ids);
    expect(found.length).toBeLessThan(1_000);
    next = page.next;
  }

  expect(wanted.length).toBeGreaterThan(24);
  expect(found.sort((a, b) => a - b)).toEqual([...wanted].sort((a, b) => (a ?? 0) - (b ?? 0)));
});

test("shows all that it knows of a book", async () => {
  await using marketplace = await startMarketplace();
  const says = {
    ...{ authors: ["A", "B", "C"], firstPublished: -700, language: "grc", summary: "One line.", category: 10 as const },
    price: { currencyCode: "USD", minorUnits: 1_299n },
    rating: { average: 4.25, count: 1_234n },
  };
  await marketplace.store.add([newBook(1, "Iliad", says)]);
  await using shop = await openShop(marketplace);

  const { body } = await shop.inject("/books/1");

  expect(body).toContain("<title>Iliad · Bookmesh</title>");
  for (const said of [
    "<h1>Iliad</h1>",
    "by A, B and C",
    "One line.",
    "$12.99",
    "700 BC",
    "Ancient Greek",
    "/categories/poetry",
  ]) {
    expect(body).toContain(said);
  }
  expect(body).toMatch(/4\.[23] out of 5, 1,234 ratings/);
});

test("shows a book of which little is known", async () => {
  await using marketplace = await startMarketplace();
  const nothing = { authors: [], firstPublished: 0, language: "", summary: "", price: undefined, rating: undefined };
  await marketplace.store.add([newBook(1, "Beowulf", nothing)]);
  await using shop = await openShop(marketplace);

  for (const address of ["/books/1", "/books", "/categories/general", "/search?q=beowulf"]) {
    const { statusCode, body } = await shop.inject(address);
    expect([address, statusCode]).toEqual([address, 200]);
    expect(body).toContain("Beowulf");
    expect(body).not.toMatch(/undefined|NaN|null|Invalid/);
  }
});

test("shows a price in a currency without cents", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([newBook(1, "Kokoro", { price: { currencyCode: "JPY", minorUnits: 1_500n } })]);
  await using shop = await openShop(marketplace);

  expect((await shop.inject("/books/1")).body).toContain("¥1,500");
});

test("finds with and without accents, and keeps the query in the box", async () => {
  await using marketplace = await stocked();
  await using shop = await openShop(marketplace);

  const { body } = await shop.inject({ url: "/search", query: { q: "GARCÍA marquez" } });

  expect(body).toContain("One Hundred Years of Solitude");
  expect(body).toContain('value="GARCÍA marquez"');
});

test.each(["", "%", "zzzz", "👍"])("says that nothing is found for %j", async (q) => {
  await using marketplace = await stocked();
  await using shop = await openShop(marketplace);

  const { statusCode, body } = await shop.inject({ url: "/search", query: { q } });

  expect(statusCode).toBe(200);
  expect(body).toContain("0 books found");
  expect(countOf('<article class="card">', body)).toBe(0);
});

test.each([
  ["/nowhere", 404, "Page not found"],
  ["/books/99999", 404, "Book not found"],
  ["/covers/99999.svg", 404, "Book not found"],
  ["/categories/cookery", 404, "No such shelf"],
  ["/categories/constructor", 404, "No such shelf"],
  ["/assets/nothing.css", 404, "Page not found"],
  ["/assets/..%2f..%2fserver.ts", 404, "Page not found"],
  ["/books/abc", 400, "That did not work"],
  ["/books/0", 400, "That did not work"],
  ["/books/-1", 400, "That did not work"],
  ["/books/1.5", 400, "That did not work"],
  ["/books/99999999999", 400, "That did not work"],
  [`/search?q=${"x".repeat(201)}`, 400, "That did not work"],
  ["/search?q=a&q=b", 400, "That did not work"],
  ["/search?q=a&page=nonsense", 400, "That did not work"],
  ["/books?page=nonsense", 400, "That did not work"],
  [`/books?page=${encodePageToken(["a", 1], "/categories/horror")}`, 400, "That did not work"],
  [`/books?page=${"x".repeat(1_001)}`, 400, "That did not work"],
])("answers %s with %d and a page of the shop", async (address, status, heading) => {
  await using marketplace = await startMarketplace();
  await using shop = await openShop(marketplace);

  const { statusCode, headers, body } = await shop.inject(address);

  expect([statusCode, headers["content-type"]]).toEqual([status, "text/html; charset=utf-8"]);
  expect(body).toContain(`<h1>${heading}</h1>`);
  expect(body).toContain('href="/"');
});
