import { createHash } from "node:crypto";
import { join } from "node:path";
import pino from "pino";
import { uploadClient } from "../clients/documents.ts";
import { registerClient, sessionClient } from "../clients/register.ts";
import { filesIn } from "./support/documents.ts";
import { Shop } from "./support/shop.ts";
import { tracesOf } from "./support/traces.ts";
import { until } from "./support/until.ts";
import { type Visited, Visitor } from "./support/visitor.ts";

const ORIENT_EXPRESS = 2;
const MALTESE_FALCON = 1;

let shop: Shop;
beforeAll(async () => {
  shop = await Shop.open({ env: { DOCUMENTS_CLEANUP_INTERVAL_MS: "1000" } });
}, 60_000);
afterAll(() => shop?.[Symbol.asyncDispose](), 60_000);

/** The books in the section of a page that begins with a heading. */
function booksBelow(heading: string, { text }: Visited): number[] {
  const section = text.split(`<h2>${heading}</h2>`)[1]?.split("</section>")[0] ?? "";
  return [...new Set([...section.matchAll(/href="\/books\/(\d+)"/g)].map(([, id]) => Number(id)))];
}

/** Uploads a text as a user of the shop does by a program. @returns the id of the user. */
async function upload(email: string, password: string): Promise<string> {
  const silent = pino({ level: "silent" });
  const [register, documents] = [await shop.channel("register", "gateway"), await shop.channel("documents", "gateway")];
  const { user } = await registerClient(register, silent).checkRegistered({ key: { $case: "email", value: email } });
  const userId = String(user?.id);
  const { session } = await sessionClient(register, silent).signIn({ email, password, clientAddress: "127.0.0.1" });
  const as = { userToken: String(session?.accessToken) };
  const data = Buffer.from("what I think of the ending");
  const sha256 = createHash("sha256").update(data).digest("hex");
  const announced = { userId, name: "ending.txt", contentType: "text/plain", size: BigInt(data.length), sha256 };
  const uploads = uploadClient(documents, silent);
  const { upload: begun } = await uploads.createUpload(announced, as);
  const chunk = { userId, uploadId: String(begun?.id), offset: 0n, data };
  await uploads.uploadChunks(
    (async function* () {
      yield chunk;
    })(),
    as,
  );
  for (const channel of [register, documents]) channel.close();
  return userId;
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

test("a reader who deletes the account leaves nothing behind but what the shop has sold", async () => {
  const ada = new Visitor(shop.storefront);
  const credentials = { email: "ada@example.com", password: "correct horse" };
  await ada.send(await ada.visit("/register"), "/register", { name: "Ada", ...credentials, language: "en", country: "GB" });

  // Rates a book, buys it, fills the cart again, uploads.
  const review = `/books/${MALTESE_FALCON}/review`;
  await ada.send(await ada.visit(review), review, { rating: "4", text: "The stuff that dreams are made of." });
  await ada.send(await ada.visit(`/books/${MALTESE_FALCON}`), "/cart/items");
  const bought = await ada.send(await ada.visit("/checkout"), "/checkout", { payment: "tok_ok" });
  await eventually(ada, bought.location, ({ text }) => text.includes("/receipt"));
  await ada.send(await ada.visit(`/books/${ORIENT_EXPRESS}`), "/cart/items");
  const userId = await upload(credentials.email, credentials.password);
  const everywhere = () => tracesOf(shop.data, userId);
  await until(everywhere, {
    documents: ["documents", "keepers", "uploads", "user_locks"],
    orders: ["cart_lines", "carts", "orders", "user_locks"],
    push: ["deliveries", "inboxes", "notifications", "user_locks"],
    recommendations: ["interactions"],
    register: ["known_addresses", "sessions", "user_ids", "users"],
    reviews: ["reviews", "user_locks"],
  });
  const before = await filesIn(join(shop.data, "documents"));

  const deleted = await ada.send(await ada.visit("/account/delete"), "/account/delete", { password: credentials.password });
  expect(deleted).toMatchObject({ status: 303, location: "/goodbye" });

  await until(everywhere, {
    documents: ["user_locks"],
    orders: ["orders", "user_locks"],
    push: ["user_locks"],
    recommendations: ["forgotten_readers"],
    register: ["user_ids"],
    reviews: ["user_locks"],
  });
  await until(async () => (await filesIn(join(shop.data, "documents"))).length, before.length - 2);
  const page = await ada.visit(`/books/${MALTESE_FALCON}`);
  expect(page.text).not.toContain("The stuff that dreams are made of.");
  expect(page.text).not.toContain("Ada");
}, 60_000);
