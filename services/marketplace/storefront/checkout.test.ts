import { ClientError, Status } from "nice-grpc";
import type { OrdersClient } from "../../../clients/orders.ts";
import { calledBy, type OrdersOptions } from "../../../test/support/orders.ts";
import { newBook } from "../testing.ts";
import { ADA, openShop } from "./testing.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";
import { startShopWithOrders } from "./testing-services.ts";

const ORDER = /^\/orders\/[0-9a-f-]{36}$/;

let shop: Awaited<ReturnType<typeof startShopWithOrders>>;
beforeAll(async () => {
  shop = await startShopWithOrders({ sales: { paymentWaitMs: 50 } });
});
afterAll(() => shop[Symbol.asyncDispose]());

/** Another user for each test. */
let users = 0;
const newcomer = () => ({ ...ADA, email: `ada${users++}@example.com` });

/** The form of a page. */
function formOf(page: { body: string }): Record<string, string> {
  const hidden = [...page.body.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)];
  return { payment: "tok_ok", ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])) };
}

/** A user with books in the cart, and the form of the checkout. */
async function buyer({ books = [1, 2], from = shop } = {}) {
  const browser = await from.signedIn(newcomer());
  for (const id of books) await browser.post("/cart/items", { bookId: String(id) });
  return { browser, form: formOf(await browser.get("/checkout")) };
}

/** How many orders somebody has. */
async function ordersOf(browser: TestBrowser): Promise<number> {
  return (await browser.get("/orders")).body.split('<article class="row">').length - 1;
}

test("shows what is bought, what it costs, and that no money moves", async () => {
  const { browser } = await buyer();

  const { statusCode, headers, body } = await browser.get("/checkout");

  expect([statusCode, headers["cache-control"]]).toEqual([200, "no-store"]);
  expect(body).toContain("1 × Emma");
  expect(body).toContain('<dd class="total">$21.98</dd>');
  expect(body).toContain("The payment provider is simulated: no money moves");
  expect(body).toMatch(/name="key" value="[0-9a-f-]{36}"/);
  expect(body).toContain("Buy for $21.98");
});

test("sends a guest to sign in and back, with the cart", async () => {
  const browser = shop.browser();
  await browser.post("/cart/items", { bookId: "1" });

  const { statusCode, headers } = await browser.get("/checkout");
  const registered = await browser.post("/register", { ...newcomer(), next: "/checkout" });

  expect([statusCode, headers.location]).toEqual([303, "/sign-in?next=%2Fcheckout"]);
  expect(registered.headers.location).toBe("/checkout");
  expect((await browser.get("/checkout")).body).toContain("1 × Emma");
});

test("sends whoever has nothing to buy to the cart", async () => {
  const { browser } = await buyer({ books: [] });

  expect((await browser.get("/checkout")).headers.location).toBe("/cart");
});

test("places the order, leads to it, and leaves an empty cart", async () => {
  const { browser, form } = await buyer();

  const { statusCode, headers } = await browser.post("/checkout", form);
  const order = await browser.get(String(headers.location));

  expect([statusCode, headers.location]).toEqual([303, expect.stringMatching(ORDER)]);
  expect(order.body).toContain("It is paid, and the books are yours.");
  expect((await browser.get("/cart")).body).toContain("There is nothing in it yet.");
});

test("sells to whoever browses while reviews, documents, push and recommendations are away", async () => {
  const browser = await shop.signedIn(newcomer());

  const book = await browser.get("/books/1");
  await browser.post("/cart/items", { bookId: "1" });
  const { headers } = await browser.post("/checkout", formOf(await browser.get("/checkout")));

  expect([book.statusCode, book.body.includes("Reviews are taking a break.")]).toEqual([200, true]);
  expect((await browser.get(String(headers.location))).body).toContain("the books are yours");
});

test("sells only what the page has shown, not what another window has put in since", async () => {
  const { browser, form } = await buyer();
  await browser.post("/cart/items", { bookId: "2" });

  const { statusCode, body } = await browser.post("/checkout", form);

  expect([statusCode, body.includes("Your cart has changed meanwhile")]).toEqual([409, true]);
  expect(body).toContain("2 × Dracula");
  expect((await browser.post("/checkout", formOf({ body }))).statusCode).toBe(303);
  expect(await ordersOf(browser)).toBe(1);
});

test("makes one order of a double click, and of a form that is sent again later", async () => {
  const { browser, form } = await buyer();

  const answers = await Promise.all([1, 2, 3].map(() => browser.post("/checkout", form)));
  const later = await browser.post("/checkout", form);

  const places = new Set([...answers, later].map(({ headers }) => headers.location));
  expect([...places]).toEqual([expect.stringMatching(ORDER)]);
  expect(await ordersOf(browser)).toBe(1);
});

test("takes the cheapest of three off, once for each user, and hides the offer then", async () => {
  const { browser, form } = await buyer({ books: [1, 2, 3] });
  expect(form.minorUnits).toBe(String(1_299 + 1_050));

  const { headers } = await browser.post("/checkout", form);
  const { body } = await browser.get(String(headers.location));
  for (const bookId of ["1", "2", "3"]) await browser.post("/cart/items", { bookId });

  expect(body).toContain('<dt>Buy two, get one free</dt><dd class="off">−$8.99</dd>');
  expect((await browser.get("/cart")).body).toContain('<dd class="total">$32.48</dd>');
  for (const path of ["/", "/books", "/books/1", "/cart"]) {
    expect((await browser.get(path)).body).not.toContain("Buy two, get one free");
  }
});

test("says that a card was declined, and lets its owner try another one", async () => {
  const { browser, form } = await buyer();

  const declined = await browser.post("/checkout", { ...form, payment: "tok_declined" });
  const next = formOf(declined);
  const bought = await browser.post("/checkout", next);

  expect(declined.statusCode).toBe(402);
  expect(declined.body).toContain('<p role="alert">The card was declined. Nothing was paid or ordered');
  expect(next.key).not.toBe(form.key);
  expect(bought.headers.location).toMatch(ORDER);
});

test("leads to an order that waits for a slow bank, and says so to whoever orders meanwhile", async () => {
  const { browser, form } = await buyer();

  const slow = await browser.post("/checkout", { ...form, payment: "tok_slow" });
  const { body } = await browser.get(String(slow.headers.location));
  await browser.post("/cart/items", { bookId: "3" });
  const second = await browser.post("/checkout", formOf(await browser.get("/checkout")));

  expect(body).toContain("The payment provider takes its time.");
  expect(second.statusCode).toBe(409);
  expect(second.body).toContain("Another order waits for its payment");
  expect(second.body).toContain(`href="${slow.headers.location}"`);
});

test("says what it costs now when the price has changed, and sells for that", async () => {
  const { browser, form } = await buyer();

  const answer = await browser.post("/checkout", { ...form, minorUnits: "1" });
  const bought = await browser.post("/checkout", formOf(answer));

  expect(answer.statusCode).toBe(409);
  expect(answer.body).toContain("The price has changed: it is $21.98 now. Nothing was ordered yet.");
  expect(bought.headers.location).toMatch(ORDER);
});

test("says that somebody was faster, and marks the books that are sold out", async () => {
  const { marketplace, orders } = shop;
  await marketplace.store.add([newBook(50, "Rare", { price: { currencyCode: "USD", minorUnits: 100n } })]);
  const { browser, form } = await buyer({ books: [1, 50] });
  await orders.client.setStock({ bookId: 50, onHand: 0 }, { metadata: calledBy("operator") });

  const { statusCode, body } = await browser.post("/checkout", form);

  expect(statusCode).toBe(409);
  expect(body).toContain("Somebody was faster");
  expect(body).toContain('<p class="problem" id="problem-50">The shop does not have that many copies now.</p>');
  expect((await browser.get("/checkout")).headers.location).toBe("/cart");
});

test("takes a form for one order only", async () => {
  const { browser, form } = await buyer();
  await browser.post("/checkout", form);
  await browser.post("/cart/items", { bookId: "1" });

  const reused = await browser.post("/checkout", { ...form, minorUnits: "899" });
  const empty = await buyer({ books: [] });
  const nothing = await empty.browser.post("/checkout", form);

  expect([reused.statusCode, reused.body.includes("This form was sent already")]).toEqual([409, true]);
  expect([nothing.statusCode, nothing.body.includes("There is nothing to buy")]).toEqual([409, true]);
  expect(await ordersOf(browser)).toBe(1);
});

test.each(["", "tok_unknown", '"><script>'])("asks how it is paid when the form says %j", async (payment) => {
  const { browser, form } = await buyer();

  const { statusCode, body } = await browser.post("/checkout", { ...form, payment });

  expect([statusCode, formOf({ body }).key]).toEqual([422, form.key]);
  expect(body).toContain("Please choose how you pay.");
  expect(body).not.toContain("<script");
});

test.each([
  ["no key", { key: "" }],
  ["a key with a space", { key: "a b c d e f g h i j k" }],
  ["no revision", { revision: "" }],
  ["no amount", { minorUnits: "" }],
  ["a negative amount", { minorUnits: "-100" }],
  ["no currency", { currency: "usd" }],
])("refuses a form with %s", async (_what, wrong) => {
  const { browser, form } = await buyer();

  expect((await browser.post("/checkout", { ...form, ...wrong })).statusCode).toBe(400);
});

/** The shop, where the call that places an order is another one. */
async function shopWherePlacing(placeOrder: (real: OrdersClient["placeOrder"]) => OrdersClient["placeOrder"]) {
  const { orders } = shop.clients;
  return openShop(shop.marketplace, { ...shop.clients, orders: { ...orders, placeOrder: placeOrder(orders.placeOrder) } });
}

test("buys once when the answer was lost and the buyer tries again", async () => {
  const { browser, form } = await buyer();
  await using deaf = await shopWherePlacing((real) => async (...call) => {
    await real(...call);
    throw new ClientError("/x/PlaceOrder", Status.UNAVAILABLE, "the connection is gone");
  });
  const unlucky = new TestBrowser(deaf);
  for (const [name, value] of browser.cookies) unlucky.cookies.set(name, value);

  const lost = await unlucky.post("/checkout", form);
  const again = await browser.post("/checkout", formOf(lost));

  expect([lost.statusCode, lost.headers["retry-after"]]).toEqual([503, "30"]);
  expect(lost.body).toContain("you buy once and pay once");
  expect(lost.body).toContain("Try again to buy for $21.98");
  expect(formOf(lost)).toEqual(form);
  expect(again.headers.location).toMatch(ORDER);
  expect(await ordersOf(browser)).toBe(1);
});

test("loses nothing while register is away: nothing is ordered, and the form can be sent again", async () => {
  let away = true;
  const register: OrdersOptions["register"] = {
    async checkRegistered({ key }) {
      if (away) throw new ClientError("/x/CheckRegistered", Status.UNAVAILABLE, "nobody is there");
      return { user: { id: key?.value ?? "", email: "", name: "", language: "", country: "", createTime: undefined } };
    },
    listUserIds: async () => ({ userIds: [], nextPageToken: "" }),
  };
  await using it = await startShopWithOrders({ sales: { register } });
  const { browser, form } = await buyer({ from: it });

  const refused = await browser.post("/checkout", form);
  away = false;
  const bought = await browser.post("/checkout", formOf(refused));

  expect([refused.statusCode, formOf(refused)]).toEqual([503, form]);
  expect(bought.headers.location).toMatch(ORDER);
  expect(await ordersOf(browser)).toBe(1);
});

test("says that the checkout takes a break while orders is away, and keeps the form that is sent", async () => {
  await using it = await startShopWithOrders();
  const { browser, form } = await buyer({ from: it });
  it.orders.server.forceShutdown();

  const page = await browser.get("/checkout");
  const sent = await browser.post("/checkout", form);

  expect([page.statusCode, page.body.includes("your cart is not lost")]).toEqual([503, true]);
  expect([sent.statusCode, formOf(sent)]).toEqual([503, form]);
});

test("writes no means of payment into a log", async () => {
  const { browser, form } = await buyer();

  await browser.post("/checkout", { ...form, payment: "tok_secret_of_somebody" });
  await browser.post("/checkout", { ...form, payment: "tok_declined" });

  expect(shop.logs()).not.toMatch(/tok_secret_of_somebody|tok_declined/);
  expect(unescaped(await browser.get("/orders"))).toContain("Payment declined: nothing was paid");
});
