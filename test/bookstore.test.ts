import { Shop } from "./support/shop.ts";
import { type Visited, Visitor } from "./support/visitor.ts";

const ORIENT_EXPRESS = 2;
const MALTESE_FALCON = 1;

let shop: Shop;
beforeAll(async () => {
  shop = await Shop.open();
}, 60_000);
afterAll(() => shop?.[Symbol.asyncDispose](), 60_000);

/** The books in the section of a page that begins with a heading. */
function booksBelow(heading: string, { text }: Visited): number[] {
  const section = text.split(`<h2>${heading}</h2>`)[1]?.split("</section>")[0] ?? "";
  return [...new Set([...section.matchAll(/href="\/books\/(\d+)"/g)].map(([, id]) => Number(id)))];
}

/** Asks for a page again until it is as it will be: what follows from an order comes a moment later. */
async function eventually(visitor: Visitor, path: string, fits: (page: Visited) => boolean): Promise<Visited> {
  while (true) {
    const page = await visitor.visit(path);
    if (fits(page)) return page;
  }
}

test("a reader registers, browses, reviews, buys, is told so in Chinese, gets a receipt, and is recommended other books than before", async () => {
  const wei = new Visitor(shop.storefront);

  // Registers, from a page that wants to be left for the shelf.
  const profile = { name: "Wei", email: "wei@example.com", password: "correct horse", language: "zh", country: "CN" };
  expect(await wei.send(await wei.visit("/register"), "/register", profile)).toMatchObject({ status: 303 });
  const told = wei.events("/notifications/stream?after=0");

  // Browses.
  const found = await wei.visit("/search?q=orient%20express");
  expect(found.text).toContain(`href="/books/${ORIENT_EXPRESS}"`);
  const before = await eventually(wei, "/", (page) => booksBelow("Picked for you", page).length > 0);
  expect(before.text).not.toContain("Because you");

  // Reviews.
  const form = await wei.visit(`/books/${ORIENT_EXPRESS}/review`);
  await wei.send(form, `/books/${ORIENT_EXPRESS}/review`, { rating: "5", text: "Everybody did it." });
  expect((await wei.visit(`/books/${ORIENT_EXPRESS}`)).text).toContain("Everybody did it.");

  // Fills a cart and buys: three books, so the cheapest is free.
  for (const id of [ORIENT_EXPRESS, MALTESE_FALCON, 3]) await wei.send(await wei.visit(`/books/${id}`), "/cart/items");
  const checkout = await wei.visit("/checkout");
  expect(checkout.text).toContain("Buy two, get one free");
  const bought = await wei.send(checkout, "/checkout", { payment: "tok_ok" });
  expect(bought).toMatchObject({ status: 303, location: expect.stringMatching(/^\/orders\/[\w-]+$/) });
  expect((await wei.visit("/cart")).text).toContain("There is nothing in it yet.");

  // Hears of it, in the language of the account.
  const { value: notification } = await told.next();
  expect(notification).toMatchObject({ title: "您的订单已提交", language: "zh", href: bought.location });
  await told.return(undefined);
  expect((await wei.visit("/notifications")).text).toContain("Murder on the Orient Express");

  // Has a receipt, and the promotion is used.
  const order = await eventually(wei, bought.location, ({ text }) => text.includes("/receipt"));
  expect(order.text).toContain("Buy two, get one free");
  const receipt = await wei.visit(`${bought.location}/receipt`);
  expect(receipt).toMatchObject({ status: 200, text: expect.stringContaining("Murder on the Orient Express") });
  expect((await wei.visit("/")).text).not.toContain("Buy two, get one free");

  // Is recommended other books, for a reason, and none that Wei has.
  const after = await eventually(wei, "/", ({ text }) => /Because you (bought|liked)|like Murder on/.test(text));
  const picks = booksBelow("Picked for you", after);
  expect(picks).not.toEqual(booksBelow("Picked for you", before));
  expect(picks).not.toEqual(expect.arrayContaining([ORIENT_EXPRESS]));
  expect(picks.filter((id) => [ORIENT_EXPRESS, MALTESE_FALCON, 3].includes(id))).toEqual([]);

  // Is one of many: nobody else sees the order.
  const other = new Visitor(shop.storefront);
  await other.send(await other.visit("/register"), "/register", { ...profile, email: "li@example.com" });
  expect(await other.visit(bought.location)).toMatchObject({ status: 404 });
}, 60_000);
