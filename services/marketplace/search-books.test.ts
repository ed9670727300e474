import { Status } from "nice-grpc";
import { encodePageToken } from "../../runtime/page-token.ts";
import { startMarketplace } from "../../test/support/service.ts";
import { newBook, newBooks } from "./testing.ts";

type Marketplace = Awaited<ReturnType<typeof startMarketplace>>;

const SHELF = [
  newBook(1, "Les Misérables", { authors: ["Victor Hugo"] }),
  newBook(2, "Cien años de soledad", { authors: ["Gabriel García Márquez"] }),
  newBook(3, "Hugo", { authors: ["Brian Selznick"] }),
  newBook(4, "Hugo and Friends", { authors: ["Nobody"] }),
  newBook(5, "The Return of Hugo", { authors: ["Somebody"] }),
  newBook(6, "100% Cotton: a_b \\ c", { authors: ["Kim O'Hara"] }),
  newBook(7, "三体", { authors: ["刘慈欣"] }),
];

async function stocked(): Promise<Marketplace> {
  const marketplace = await startMarketplace();
  await marketplace.store.add(SHELF);
  return marketplace;
}

async function search({ client }: Marketplace, query: string): Promise<string[]> {
  const { books, totalSize } = await client.searchBooks({ query });
  expect(totalSize).toBe(books.length);
  return books.map(({ title }) => title);
}

test.each([
  ["garcia marquez", "Cien años de soledad"],
  ["García Márquez", "Cien años de soledad"],
  ["MÁRQUEZ anos", "Cien años de soledad"],
  ["MISERABLES", "Les Misérables"],
  ["misérables", "Les Misérables"],
  ["hugo miserables", "Les Misérables"],
  ["ohara", "100% Cotton: a_b \\ c"],
  ["O’Hara", "100% Cotton: a_b \\ c"],
  ["三", "三体"],
])("finds by %s", async (query, title) => {
  await using marketplace = await stocked();

  expect(await search(marketplace, query)).toEqual([title]);
});

test("finds beginnings of words, not their middles or ends", async () => {
  await using marketplace = await stocked();

  expect(await search(marketplace, "sole gabr")).toEqual(["Cien años de soledad"]);
  expect(await search(marketplace, "iserables")).toEqual([]);
  expect(await search(marketplace, "arquez")).toEqual([]);
});

test("finds only books that have every word", async () => {
  await using marketplace = await stocked();

  expect(await search(marketplace, "hugo selznick")).toEqual(["Hugo"]);
  expect(await search(marketplace, "hugo garcia")).toEqual([]);
});

test("puts the very title first, then titles that begin so, then titles with the words, then authors", async () => {
  await using marketplace = await stocked();

  expect(await search(marketplace, "hugo")).toEqual(["Hugo", "Hugo and Friends", "The Return of Hugo", "Les Misérables"]);
});

test("puts what more readers have rated first among equals", async () => {
  await using marketplace = await startMarketplace();
  const rated = (count: bigint) => ({ rating: { average: 4, count } });
  await marketplace.store.add([
    newBook(1, "Whale one", rated(5n)),
    newBook(2, "Whale two", rated(500n)),
    newBook(3, "Whale three"),
    newBook(4, "A Whale"),
  ]);

  expect(await search(marketplace, "whale")).toEqual(["Whale two", "Whale one", "Whale three", "A Whale"]);
});

test.each(["%", "_", "hu%zz", "h_go", "'", "\"'; DROP TABLE books; --", "\\", "?", "*", "👍", " "])(
  "takes %j for no wildcard and no SQL",
  async (query) => {
    await using marketplace = await stocked();

    const { books } = await marketplace.client.searchBooks({ query });

    expect(books.map(({ title }) => title)).toEqual([]);
    expect((await marketplace.client.listBooks({})).totalSize).toBe(SHELF.length);
  },
);

test("goes through all pages of what is found, each book once", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([...newBooks(25), newBook(100, "Another")]);
  const found: string[] = [];
  const sizes: number[] = [];
  let pageToken = "";
  do {
    const page = await marketplace.client.searchBooks({ query: "BOOK", pageSize: 10, pageToken });
    expect(page.totalSize).toBe(25);
    sizes.push(page.books.length);
    found.push(...page.books.map(({ title }) => title));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");

  expect(sizes).toEqual([10, 10, 5]);
  expect(found).toEqual(newBooks(25).map(({ book }) => book.title));
});

test("searches for the first dozen of many words", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([newBook(1, "a b c d e f g h i j k l")]);

  expect(await search(marketplace, "a b c d e f g h i j k l and no more")).toEqual(["a b c d e f g h i j k l"]);
});

test.each([
  ["nothing", { query: "" }, "query", "is required"],
  ["more than 200 characters", { query: "x".repeat(201) }, "query", "must be at most 200 characters long"],
  ["pages of 101", { query: "x", pageSize: 101 }, "page_size", "must be 0 to 100"],
  ["with the token of another query", { query: "x", pageToken: encodePageToken([1], "y") }, "page_token", expect.anything()],
  ["with the token of a list", { query: "x", pageToken: encodePageToken(["a", 1], 0) }, "page_token", expect.anything()],
])("refuses to search for %s", async (_what, request, field, description) => {
  await using marketplace = await startMarketplace();

  await expect(marketplace.client.searchBooks(request)).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field, description }],
  });
});
