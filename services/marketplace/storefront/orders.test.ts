import { createHash, randomUUID } from "node:crypto";
import { documentsClient } from "../../../clients/documents.ts";
import { OrderPlaced } from "../../../gen/bookstore/events/v1/order_events.ts";
import { type DocumentsServer, startDocuments } from "../../../test/support/documents.ts";
import { ADA, openShop } from "./testing.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";
import { startShopWithOrders, usersOf } from "./testing-services.ts";

let sales: Awaited<ReturnType<typeof startShopWithOrders>>;
let documents: DocumentsServer;
let shop: Awaited<ReturnType<typeof openShop>>;
beforeAll(async () => {
  sales = await startShopWithOrders();
  documents = await startDocuments({ users: usersOf(sales.accounts) });
  shop = await openShop(sales.marketplace, { ...sales.clients, documents: documentsClient(documents.channel, documents.logger) });
});
afterAll(async () => {
  await shop.close();
  await documents[Symbol.asyncDispose]();
  await sales[Symbol.asyncDispose]();
});

let users = 0;
async function newcomer(): Promise<TestBrowser> {
  const browser = new TestBrowser(shop);
  await browser.post("/register", { ...ADA, email: `ada${users++}@example.com` });
  return browser;
}

/** What the form of a checkout page sends. */
function purchaseIn(body: string) {
  const [, minorUnits = ""] = /name="minorUnits" value="(\d+)"/.exec(body) ?? [];
  const [, revision = ""] = /name="revision" value="([\w-]+)"/.exec(body) ?? [];
  return { key: randomUUID(), currency: "USD", minorUnits, revision, payment: "tok_ok" };
}

/** Buys one book. @returns the path of the order. */
async function buy(browser: TestBrowser, bookId = 1): Promise<string> {
  await browser.post("/cart/items", { bookId: String(bookId) });
  const { body } = await browser.get("/checkout");
  return String((await browser.post("/checkout", purchaseIn(body))).headers.location);
}

/** As orders does when it tells of an order. */
async function makeReceipt(path: string): Promise<void> {
  const orderId = path.replace("/orders/", "");
  const { db } = sales.orders.store;
  const { user_id: userId } = await db.selectFrom("orders").select("user_id").where("id", "=", orderId).executeTakeFirstOrThrow();
  const data = OrderPlaced.fromPartial({
    orderId,
    userId,
    books: [{ bookId: 1, title: "Emma", quantity: 1 }],
    placeTime: new Date(),
  });
  await documents.events.handle({
    ...{ id: orderId, source: "orders", specVersion: "1.0", type: OrderPlaced.$type, subject: `orders/${orderId}` },
    ...{ time: new Date(), position: 1n, traceParent: "", data: Buffer.from(OrderPlaced.encode(data).finish()) },
  });
}

test.each(["/orders", "/orders/some-order", "/orders/some-order/cancel", "/orders/some-order/receipt"])(
  "sends a guest who asks for %s to sign in and back",
  async (path) => {
    const { statusCode, headers } = await new TestBrowser(shop).get(path);

    expect([statusCode, headers.location]).toEqual([303, `/sign-in?${new URLSearchParams({ next: path })}`]);
  },
);

test("lists the orders of a user page by page, newest first", async () => {
  const browser = await newcomer();
  expect((await browser.get("/orders")).body).toContain("You have not ordered anything yet.");
  const placed: string[] = [];
  for (let count = 0; count < 11; count++) placed.unshift(await buy(browser));

  const found: (string | undefined)[] = [];
  for (let next: string | undefined = "/orders"; next !== undefined; ) {
    const body = unescaped(await browser.get(next));
    found.push(...[...body.matchAll(/<h2><a href="(\/orders\/[^"]+)">/g)].map(([, path]) => path));
    next = /href="([^"]+)" rel="next"/.exec(body)?.[1];
  }

  expect(found).toEqual(placed);
});

test("tells how an order stands and how it came to", async () => {
  const browser = await newcomer();

  const { body, headers } = await browser.get(await buy(browser));

  expect(headers["cache-control"]).toBe("no-store");
  expect(body).toContain("It is paid, and the books are yours.");
  expect(body).toContain('1 × <a href="/books/1">Emma</a></dt><dd>$8.99</dd>');
  expect(body).toMatch(
    /<li><strong>Waiting for its payment<\/strong> <time datetime="[^"]+Z">[^<]+ UTC<\/time><\/li>\s*<li><strong>Paid/,
  );
});

test.each(["", "/cancel"])("answers for the order of somebody else as for one that is not there%s", async (page) => {
  const [browser, other] = [await newcomer(), await newcomer()];
  const path = await buy(browser);

  const answers = [
    await other.get(path + page),
    await other.get(`/orders/${randomUUID()}${page}`),
    await other.get(`/orders/${"x".repeat(37)}${page}`),
  ];

  for (const { statusCode, body } of answers) expect([statusCode, body.includes("You have no such order.")]).toEqual([404, true]);
  expect((await other.post(`${path}/cancel`)).statusCode).toBe(404);
  expect((await browser.get(path)).body).toContain("the books are yours");
});

test("calls an order off when the buyer confirms it", async () => {
  const browser = await newcomer();
  const path = await buy(browser);

  expect((await browser.get(path)).body).toContain(`href="${path}/cancel"`);
  expect((await browser.get(`${path}/cancel`)).body).toContain("and paid $8.99");
  const cancelled = await browser.post(`${path}/cancel`);
  const again = await browser.post(`${path}/cancel`);

  expect([cancelled, again].map(({ statusCode, headers }) => [statusCode, headers.location])).toEqual([
    [303, path],
    [303, path],
  ]);
  const { body } = await browser.get(path);
  expect(body).toContain("You have called it off, and have your money back.");
  expect(body).not.toContain(`href="${path}/cancel"`);
  expect((await browser.get(`${path}/cancel`)).headers.location).toBe(path);
});

test("does not call off an order that was never placed", async () => {
  const browser = await newcomer();
  await browser.post("/cart/items", { bookId: "1" });
  await browser.post("/checkout", { ...purchaseIn((await browser.get("/checkout")).body), payment: "tok_declined" });
  const [, path = ""] = /<h2><a href="([^"]+)">/.exec((await browser.get("/orders")).body) ?? [];

  const { statusCode, body } = await browser.post(`${path}/cancel`);

  expect([statusCode, body.includes("Only an order that is paid can be called off.")]).toEqual([409, true]);
});

test("says that the receipt is being made, and then sends it to the buyer alone, where no script runs", async () => {
  const [browser, other] = [await newcomer(), await newcomer()];
  const path = await buy(browser);
  expect((await browser.get(path)).body).toContain("The receipt is being made.");
  expect((await browser.get(`${path}/receipt`)).body).toContain("No receipt yet");

  await makeReceipt(path);
  const page = await browser.get(path);
  const { statusCode, headers, body } = await browser.get(`${path}/receipt`);

  expect(page.body).toContain(`href="${path}/receipt"`);
  expect([statusCode, headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
  expect(headers).toMatchObject({
    "cache-control": "no-store",
    "content-disposition": expect.stringMatching(/^inline; filename="receipt-.*\.html"; filename\*=UTF-8''receipt-/),
    "content-length": String(Buffer.byteLength(body)),
    "content-security-policy": expect.stringMatching(/^sandbox; default-src 'none'/),
    etag: `"${createHash("sha256").update(body).digest("hex")}"`,
    "x-content-type-options": "nosniff",
  });
  expect(body).toContain("<h1>Receipt</h1>");
  expect((await other.get(`${path}/receipt`)).statusCode).toBe(404);
});

test("shows orders without receipts while documents is away", async () => {
  await using alone = await openShop(sales.marketplace, sales.clients);
  const browser = new TestBrowser(alone);
  await browser.post("/register", { ...ADA, email: `ada${users++}@example.com` });
  const path = await buy(browser);

  const page = await browser.get(path);
  const receipt = await browser.get(`${path}/receipt`);

  expect([page.statusCode, page.body.includes("Receipts are taking a break. Yours is not lost.")]).toEqual([200, true]);
  expect([receipt.statusCode, receipt.body.includes("Receipts are taking a break")]).toEqual([503, true]);
});

test("says that orders takes a break while it is away", async () => {
  const { register, sessions, verifyUserToken } = sales.clients;
  await using alone = await openShop(sales.marketplace, { register, sessions, verifyUserToken });
  const browser = new TestBrowser(alone);
  await browser.post("/register", { ...ADA, email: `ada${users++}@example.com` });

  const answers = [await browser.get("/orders"), await browser.get("/orders/x"), await browser.post("/orders/x/cancel")];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([503, 503, 503]);
  expect(answers[2]?.body).toContain("We did not hear whether the order is called off.");
});
