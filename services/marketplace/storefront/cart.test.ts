import { ClientError, Status } from "nice-grpc";
import { ADA, openShop } from "./testing.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";
import { startShopWithOrders } from "./testing-services.ts";

const CART = "bookmesh-cart";
const OFFER = "Buy two, get one free.";

/** How many copies a page says are in the cart. */
function inCart(body: string): string | undefined {
  return /id="in-cart"><span class="badge">(\d+)</.exec(body)?.[1];
}

let shop: Awaited<ReturnType<typeof startShopWithOrders>>;
beforeAll(async () => {
  shop = await startShopWithOrders();
});
afterAll(() => shop[Symbol.asyncDispose]());

/** Another user for each test. */
let users = 0;
const signedIn = () => shop.signedIn({ ...ADA, email: `ada${users++}@example.com` });

const add = (browser: TestBrowser, bookId: number) => browser.post("/cart/items", { bookId: String(bookId) });

test("keeps the cart of a guest behind a cookie that no script reads", async () => {
  const browser = shop.browser();

  const { statusCode, headers } = await add(browser, 1);
  await add(browser, 1);
  const page = await browser.get("/cart?done=added");

  expect([statusCode, headers.location]).toEqual([303, "/cart?done=added"]);
  expect(browser.setCookies[0]).toMatch(/^bookmesh-cart=[\w-]{20,64}; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax$/);
  expect(page.headers["cache-control"]).toBe("no-store");
  expect(page.body).toContain("Emma");
  expect(page.body).toContain("$8.99 each");
  expect(page.body).toContain('<dd class="total">$17.98</dd>');
  expect(page.body).toContain("It is in your cart.");
  expect(inCart(page.body)).toBe("2");
  expect(page.body).not.toContain(String(browser.cookies.get(CART)));
  expect(shop.logs()).not.toContain(String(browser.cookies.get(CART)));
});

test("keeps the cookie for https alone where the shop is reached by it", async () => {
  await using it = await startShopWithOrders({ publicUrl: "https://shop.example" });
  const browser = it.browser();

  await add(browser, 1);

  expect(browser.setCookies[0]).toMatch(/^__Host-bookmesh-cart=.*; HttpOnly; Secure; SameSite=Lax$/);
});

test.each(["guest", "user"])("changes and takes out what is in the cart of a %s, and says what it costs", async (who) => {
  const browser = who === "user" ? await signedIn() : shop.browser();
  await add(browser, 1);
  await add(browser, 2);

  const changed = await browser.post("/cart/items/2", { quantity: "2" });
  const { body } = await browser.get("/cart?done=changed");
  const removed = await browser.post("/cart/items/1/remove");
  const after = await browser.get("/cart");

  expect([changed.headers.location, removed.headers.location]).toEqual(["/cart?done=changed", "/cart?done=removed"]);
  // 8.99 and two at 12.99, of which the cheapest is free.
  expect(body).toContain("<dt>Books</dt><dd>$34.97</dd>");
  expect(body).toContain('<dt>Buy two, get one free</dt><dd class="off">−$8.99</dd>');
  expect(body).toContain('<dd class="total">$25.98</dd>');
  expect(after.body).not.toContain("Emma");
  expect(after.body).not.toContain("−$");
  await browser.post("/cart/items/2", { quantity: "0" });
  expect((await browser.get("/cart")).body).toContain("There is nothing in it yet.");
});

test.each(["100", "-1", "1.5", "two", "", "99999999999999999999", '"><script>'])(
  "says beside the field that %j is no number of copies, and keeps what was typed",
  async (quantity) => {
    const browser = shop.browser();
    await add(browser, 1);

    const answer = await browser.post("/cart/items/1", { quantity });

    expect(answer.statusCode).toBe(422);
    expect(answer.body).toContain('<p class="problem" id="problem-1">Please give a number of copies from 0 to 99.</p>');
    expect(unescaped(answer)).toContain(`value="${quantity}" aria-invalid="true" aria-describedby="problem-1"`);
    expect(answer.body).not.toContain("<script");
    expect(inCart((await browser.get("/")).body)).toBe("1");
  },
);

test.each([
  ["a book that is not there", "/cart/items", { bookId: "99" }, 404, "There is no such book in the shop."],
  ["what is no book", "/cart/items", { bookId: "x" }, 400, "The address or the form is not as we expect it."],
  ["nothing", "/cart/items", {}, 400, "The address or the form is not as we expect it."],
  ["a line that is not in it any more", "/cart/items/3", { quantity: "2" }, 404, "That book is not in your cart any more."],
])("answers %s for the cart with a sentence", async (_what, path, fields: Record<string, string>, status, sentence) => {
  const browser = shop.browser();
  await add(browser, 1);

  const { statusCode, body } = await browser.post(path, fields);

  expect([statusCode, body.includes(sentence)]).toEqual([status, true]);
});

test("puts no hundredth copy of a book into a cart", async () => {
  const browser = shop.browser();
  await add(browser, 1);
  await browser.post("/cart/items/1", { quantity: "99" });

  const { statusCode, body } = await add(browser, 1);

  expect([statusCode, inCart(body)]).toEqual([409, "99"]);
  expect(body).toContain("There are at most 99 copies of a book in a cart.");
});

test("marks what cannot be bought, and does not lead to the checkout with it", async () => {
  await using it = await startShopWithOrders({ sales: { defaultStock: 1 } });
  const browser = it.browser();
  await add(browser, 1);
  await add(browser, 2);
  await add(browser, 2);

  const { body } = await browser.get("/cart");

  expect(body).toContain('<p class="problem" id="problem-2">The shop does not have that many copies now.</p>');
  expect(body).not.toContain('href="/checkout"');
});

test.each([
  ["registers", "/register"],
  ["signs in", "/sign-in"],
])("puts the cart of a guest who %s into that of the user, once", async (_what, path) => {
  const user = { ...ADA, email: `ada${users++}@example.com` };
  if (path === "/sign-in") await add(await shop.signedIn(user), 2);
  const browser = shop.browser();
  await add(browser, 1);
  const kept = String(browser.cookies.get(CART));

  await browser.post(path, path === "/sign-in" ? { email: user.email, password: user.password } : user);
  const { body } = await browser.get("/cart");

  const total = `<dd class="total">${path === "/sign-in" ? "$21.98" : "$8.99"}</dd>`;
  expect(body).toContain(total);
  expect(browser.cookies.has(CART)).toBe(false);
  browser.cookies.set(CART, kept);
  await browser.get("/");
  expect((await browser.get("/cart")).body).toContain(total);
});

test("signs in while orders is away, and merges the carts with the first page after it is back", async () => {
  await using it = await startShopWithOrders();
  const { carts } = it.clients;
  const refused = () => Promise.reject(new ClientError("/x/Y", Status.UNAVAILABLE, "nobody is there"));
  let mergeCart: typeof carts.mergeCart = refused;
  await using shop = await openShop(it.marketplace, {
    ...it.clients,
    carts: { ...carts, mergeCart: (...call) => mergeCart(...call) },
  });
  const browser = new TestBrowser(shop);
  await add(browser, 1);

  const signedIn = await browser.post("/register", ADA);
  const page = await browser.get("/books");

  expect([signedIn.statusCode, page.statusCode]).toEqual([303, 200]);
  expect(browser.cookies.has(CART)).toBe(true);
  mergeCart = carts.mergeCart;
  await browser.get("/books");
  expect(browser.cookies.has(CART)).toBe(false);
});

test("forgets the cart of a guest that is there no more", async () => {
  const browser = shop.browser();
  browser.cookies.set(CART, "a".repeat(43));

  const { statusCode, body } = await browser.get("/cart");

  expect(statusCode).toBe(200);
  expect(body).toContain("There is nothing in it yet.");
  expect(browser.cookies.has(CART)).toBe(false);
  await add(browser, 1);
  expect(browser.cookies.get(CART)).not.toBe("a".repeat(43));
});

test("tells a guest whose cart is there no more that nothing was changed in it", async () => {
  const browser = shop.browser();
  browser.cookies.set(CART, "a".repeat(43));

  const { statusCode, body } = await browser.post("/cart/items/1", { quantity: "2" });

  expect([statusCode, body.includes("That book is not in your cart any more.")]).toEqual([404, true]);
});

test.each(["x".repeat(65), "a b", "%00", "<script>"])("takes %j for no cart", async (cookie) => {
  const browser = shop.browser();
  browser.cookies.set(CART, cookie);

  expect((await browser.get("/cart")).body).toContain("There is nothing in it yet.");
  expect((await add(browser, 1)).statusCode).toBe(303);
});

test("shows the offer to guests and to users who have not used it", async () => {
  const user = await signedIn();

  for (const path of ["/", "/books", "/books/1", "/search?q=emma", "/cart"]) {
    expect((await shop.browser().get(path)).body).toContain(OFFER);
    expect((await user.get(path)).body).toContain(OFFER);
  }
  expect((await user.get("/account")).body).not.toContain(OFFER);
});

test("sells on while orders is away: pages come without the cart, and the cart says that nothing is lost", async () => {
  await using it = await startShopWithOrders();
  const [guest, user] = [it.browser(), await it.signedIn()];
  await add(guest, 1);
  await add(user, 1);
  it.orders.server.forceShutdown();

  for (const browser of [guest, user]) {
    const pages = [await browser.get("/"), await browser.get("/books/1"), await browser.get("/account")];
    expect(pages.map(({ statusCode }) => statusCode)).toEqual([200, 200, browser === user ? 200 : 303]);
    const cart = await browser.get("/cart");
    expect([cart.statusCode, cart.headers["retry-after"]]).toEqual([503, "30"]);
    expect(cart.body).toContain("Nothing in yours is lost");
    const added = await add(browser, 2);
    expect([added.statusCode, added.body.includes("whether that was done")]).toEqual([503, true]);
  }
  expect((await user.get("/")).body).not.toContain(OFFER);
  expect(guest.cookies.has(CART)).toBe(true);
});
