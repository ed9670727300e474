import { Status } from "nice-grpc";
import { CallFailure } from "../../../clients/call-failure.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { stockShelves } from "../built-in-catalogue.ts";
import { newBook } from "../testing.ts";
import { openShop, skeletonOf } from "./testing.ts";

const HOSTILE = [
  "</title></h1><script>canary()</script>",
  `"><img src=x onerror=canary()>`,
  "' autofocus onfocus='canary()",
  "javascript:canary()",
  "&lt;canary&gt; &#x3c;canary>",
  "{{canary}} #{canary} <%= canary %> <!-- canary",
  "]]></text><foreignObject>canary",
];

/** No language either: those are shown by their names. */
const HARMLESS = "? canary";
const FORMS = ["/register", "/sign-in", "/cart", "/notifications/unsubscribe?token=x&kind=1"];
const PAGES = ["/", "/books", "/books/1", "/categories/mystery", "/search?q=canary"];

async function shopWith(text: string) {
  await using stack = new AsyncDisposableStack();
  const marketplace = stack.use(await startMarketplace());
  const says = { authors: [text, text], summary: text, language: text.slice(0, 35), category: 1 as const };
  await marketplace.store.add([1, 2, 3].map((id) => newBook(id, text, says)));
  const shop = stack.use(await openShop(marketplace));
  const owned = stack.move();
  return { shop, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test.each(HOSTILE)("shows a book that says %s as text, and nothing else of any page changes", async (text) => {
  await using harmless = await shopWith(HARMLESS);
  await using hostile = await shopWith(text);

  for (const page of PAGES) {
    const { body } = await hostile.shop.inject(page);
    expect(body).toContain("canary");
    expect(skeletonOf(body)).toBe(skeletonOf((await harmless.shop.inject(page)).body));
  }
});

test.each(HOSTILE)("shows a query of %s as text", async (text) => {
  await using marketplace = await startMarketplace();
  await using shop = await openShop(marketplace);

  const { body } = await shop.inject({ url: "/search", query: { q: text } });

  expect(body).toContain("canary");
  expect(skeletonOf(body)).toBe(skeletonOf((await shop.inject("/search?q=canary")).body));
});

test.each(HOSTILE)("shows what somebody has typed into the form as text: %s", async (text) => {
  await using marketplace = await startMarketplace();
  const details = { reason: "EMAIL_TAKEN", metadata: {}, violations: [], retryAfterMs: undefined };
  const taken = new CallFailure("/x/Register", Status.ALREADY_EXISTS, "already registered.", details);
  await using shop = await openShop(marketplace, { register: { register: () => Promise.reject(taken) } });
  const post = (value: string) =>
    shop.inject({ method: "POST", url: "/register", ...form({ name: value, email: value, language: value, country: value }) });

  const { body } = await post(text);

  expect(body).toContain("canary");
  expect(skeletonOf(body)).toBe(skeletonOf((await post(HARMLESS)).body));
});

test("lets no page run or load anything that is not the shop's own", async () => {
  await using marketplace = await startMarketplace();
  await stockShelves(marketplace.store);
  await using shop = await openShop(marketplace);
  const pages = [
    ...PAGES,
    ...FORMS,
    "/welcome",
    "/nowhere",
    "/books/abc",
    "/covers/1.svg",
    "/assets/style.css",
    "/books/1/sample",
  ];

  for (const page of pages) {
    const { headers } = await shop.inject(page);
    expect(headers["content-security-policy"]).toBe(
      "default-src 'none';style-src 'self';img-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
    );
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "same-origin" });
  }
});

test("has no inline script, style or handler, and no address elsewhere, on any page", async () => {
  await using marketplace = await startMarketplace();
  await stockShelves(marketplace.store);
  await using shop = await openShop(marketplace);

  for (const page of [...PAGES, ...FORMS, "/welcome", "/nowhere", "/search?q=the"]) {
    const { body } = await shop.inject(page);
    expect(body).toMatch(/^<!doctype html>/);
    expect(body).not.toMatch(/<script|<style|<iframe|<object|<base|\sstyle=|\son[a-z]+=|javascript:/i);
    const addresses = [...body.matchAll(/\s(?:href|src|action)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses.length).toBeGreaterThan(5);
    expect(addresses.filter((address) => !/^(\/(?!\/)|#)/.test(address ?? ""))).toEqual([]);
  }
});

test.each(["cross-site", "same-site"])("refuses a form that a browser sends from a page that is %s", async (site) => {
  await using marketplace = await startMarketplace();
  const register = { register: () => Promise.reject(new Error("was called")) };
  await using shop = await openShop(marketplace, { register });

  const { headers, payload } = form({ name: "Ada" });
  const answer = await shop.inject({
    method: "POST",
    url: "/register",
    headers: { ...headers, "sec-fetch-site": site },
    payload,
  });

  expect(answer.statusCode).toBe(403);
  expect(answer.body).toContain("This form was sent from another site.");
});

test.each(["same-origin", "none"])("takes a form that a browser calls %s", async (site) => {
  await using marketplace = await startMarketplace();
  await using shop = await openShop(marketplace);

  const { headers, payload } = form({ name: "Ada" });
  const answer = await shop.inject({
    method: "POST",
    url: "/register",
    headers: { ...headers, "sec-fetch-site": site },
    payload,
  });

  expect(answer.statusCode).toBe(303);
});

test.each([
  ["http://evil.example", 403],
  ["null", 403],
  ["http://shop.example:5000", 303],
  ["https://shop.example:5000", 303],
])("over plain HTTP, where browsers say the origin only, answers a form of %s with %d", async (origin, status) => {
  await using marketplace = await startMarketplace();
  await using shop = await openShop(marketplace);

  const { headers, payload } = form({ name: "Ada" });
  const answer = await shop.inject({
    method: "POST",
    url: "/register",
    headers: { ...headers, host: "shop.example:5000", origin },
    payload,
  });

  expect(answer.statusCode).toBe(status);
});

test.each([
  ["a form of more than 16 KB", 413, { payload: `name=${"x".repeat(16_384)}` }],
  ["a field of more than 1,000 characters", 400, { payload: `name=${"x".repeat(1_001)}` }],
  ["a field that comes twice", 400, { payload: "name=a&name=b" }],
  ["XML", 415, { payload: "<name/>", type: "application/xml" }],
  ["broken JSON", 400, { payload: "{", type: "application/json" }],
])(
  "refuses %s with %d and a page of the shop",
  async (_what, status, { payload, type = FORM }: { payload: string; type?: string }) => {
    await using marketplace = await startMarketplace();
    await using shop = await openShop(marketplace);

    const answer = await shop.inject({ method: "POST", url: "/register", headers: { "content-type": type }, payload });

    expect([answer.statusCode, answer.headers["content-type"]]).toEqual([status, "text/html; charset=utf-8"]);
    expect(answer.body).toContain("<h1>That did not work</h1>");
  },
);

const FORM = "application/x-www-form-urlencoded";

function form(fields: Record<string, string>) {
  return { headers: { "content-type": FORM }, payload: new URLSearchParams(fields).toString() };
}

test.each(["/books/%c0%af", "/%", `/books/${"9".repeat(101)}`])(
  "says in a page of the shop that %s is no address",
  async (path) => {
    await using it = await shopWith(HARMLESS);

    const { statusCode, headers, body } = await it.shop.inject(path);

    expect([400, 404, 414]).toContain(statusCode);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(body).toContain("Back to the shop");
  },
);
