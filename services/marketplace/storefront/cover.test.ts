import { startMarketplace } from "../../../test/support/service.ts";
import { builtInCatalogue, stockShelves } from "../built-in-catalogue.ts";
import { coverOf } from "./cover.ts";
import { openShop } from "./testing.ts";

const BOOKS = builtInCatalogue().map(({ id, book }) => ({ ...book, id: id ?? 0 }));

/** The text of an XML document. @throws Error where it is not well-formed (as far as our covers use XML). */
function textOf(xml: string): string {
  const open: string[] = [];
  let text = "";
  for (const [part] of xml.matchAll(/<[^>]*>|[^<]+|</g)) {
    if (!part.startsWith("<")) {
      if (/&(?!#\d+;|amp;|lt;|gt;|quot;)/.test(part)) throw new Error(`a bare & in ${part}`);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 forbids them.
      if (/[\0-\x08\x0b\x0c\x0e-\x1f]/.test(part)) throw new Error("a control character");
      text += part.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
      continue;
    }
    const tag = /^<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)\s*(\/?)>$/i.exec(part);
    if (tag === null) throw new Error(`not a tag: ${part}`);
    const [, closing, name = "", , empty] = tag;
    if (closing) {
      if (open.pop() !== name) throw new Error(`${part} closes another`);
    } else if (!empty) open.push(name);
  }
  if (open.length > 0) throw new Error(`never closed: ${open.join(", ")}`);
  return text.replace(/\s+/g, " ");
}

test.each(["<a><b></a></b>", "<a>", "<a>&</a>", "<a b=c></a>", "<a>< </a>", '<a b="<"></a>'])(
  "what reads covers here refuses %s",
  (xml) => {
    expect(() => textOf(xml)).toThrow();
  },
);

test("draws a well-formed cover for every book of the catalogue, with its whole title and author", () => {
  for (const book of BOOKS) {
    const svg = coverOf(book);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 240 360"/);
    const words = textOf(svg).replaceAll(" ", "");
    expect(words).toContain(book.title.replaceAll(" ", ""));
    expect(words).toContain((book.authors[0] ?? "").replaceAll(" ", ""));
  }
});

test("keeps every line of every title of the catalogue on the cover", () => {
  for (const book of BOOKS) {
    const size = Number(/font-size="(\d+)"/.exec(coverOf(book))?.[1]);
    const lines = [...coverOf(book).matchAll(/<tspan x="24" y="([\d.]+)">([^<]*)/g)].map(([, y]) => Number(y));
    expect(size).toBeGreaterThanOrEqual(15);
    expect(Math.max(...lines)).toBeLessThan(360);
  }
});

test.each([
  ["</text><script>canary()</script>"],
  [`"><a xlink:href="javascript:canary()">`],
  ["]]>&canary;<!-- "],
  ["A".repeat(300)],
  [""],
])("draws a well-formed cover for a book called %s", (text) => {
  for (const id of [1, 2, 3, 4]) {
    const svg = coverOf({ ...(BOOKS[0] as (typeof BOOKS)[number]), id, title: text, authors: [text] });
    textOf(svg);
    expect(svg).not.toMatch(/<script|<a |<!--/);
  }
});

test("serves covers as pictures that may be kept for a day", async () => {
  await using marketplace = await startMarketplace();
  await stockShelves(marketplace.store);
  await using shop = await openShop(marketplace);

  const { statusCode, headers, body } = await shop.inject("/covers/5.svg");

  expect(statusCode).toBe(200);
  expect(headers).toMatchObject({ "content-type": "image/svg+xml", "cache-control": "public, max-age=86400" });
  expect(textOf(body)).toContain("Orson Scott Card");
});

test("has different covers side by side", () => {
  expect(new Set(BOOKS.map(coverOf)).size).toBe(BOOKS.length);
});
