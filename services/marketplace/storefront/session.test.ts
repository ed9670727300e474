import { once } from "node:events";
import { request } from "node:http";
import { ClientError, Status } from "nice-grpc";
import type { Session } from "../../../gen/bookstore/register/v1/session_service.ts";
import { currentCall } from "../../../runtime/call-context.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { testUsers } from "../../../test/support/users.ts";
import { ADA, openShop, startShop } from "./testing.ts";
import { TestBrowser } from "./testing-browser.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const ACCESS = "bookmesh-access";
const REFRESH = "bookmesh-refresh";
const BOB = { ...ADA, name: "Bob", email: "bob@example.com" };
const NAME = 'href="/account"><span class="hidden">Your account: </span>';

function refused(code: Status) {
  return () => Promise.reject(new ClientError("/x/Y", code, "no"));
}

test("renews a session whose access token has expired, and gives the browser the next tokens", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  const before = new Map(browser.cookies);
  both.accounts.pass(16 * MINUTE);

  const { body } = await browser.get("/books");

  expect(body).toContain(`${NAME}Ada`);
  expect(browser.setCookies).toHaveLength(4);
  for (const [name, value] of browser.cookies) expect(value).not.toBe(before.get(name));
  const again = await browser.get("/account");
  expect(again.body).toContain("ada@example.com");
  expect(again.headers["set-cookie"]).toBeUndefined();
});

test.each([
  ["leaves a session as it is 40 seconds", 40_000, 2],
  ["renews a session 20 seconds", 20_000, 4],
])("%s before its access token expires", async (_what, leftMs, cookies) => {
  await using both = await startShop();
  const browser = await both.signedIn();
  both.accounts.pass(15 * MINUTE - leftMs);

  await browser.get("/");

  expect(browser.setCookies).toHaveLength(cookies);
});

test("renews a session once for many pages that are asked for at the same moment", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  both.accounts.pass(16 * MINUTE);
  const calls = () => both.accounts.logs.with({ path: "/bookstore.register.v1.SessionService/RefreshSession" }).length;

  const pages = await Promise.all(Array.from({ length: 12 }, () => browser.get("/account")));

  for (const { body } of pages) expect(body).toContain("ada@example.com");
  expect(calls()).toBe(1);
  expect((await browser.get("/account")).statusCode).toBe(200);
  both.accounts.pass(16 * MINUTE);
  expect((await browser.get("/account")).statusCode).toBe(200);
  expect(calls()).toBe(2);
});

test("goes on with a session whose renewal one page has missed", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  const late = both.browser();
  for (const [name, value] of browser.cookies) late.cookies.set(name, value);
  both.accounts.pass(16 * MINUTE);
  await browser.get("/");

  both.accounts.pass(20_000);
  expect((await late.get("/")).body).toContain(`${NAME}Ada`);

  expect(late.cookies.get(REFRESH)).toBe(browser.cookies.get(REFRESH));
});

test("forgets a session that has been used by somebody else too", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  const thief = both.browser();
  for (const [name, value] of browser.cookies) thief.cookies.set(name, value);
  both.accounts.pass(16 * MINUTE);
  await browser.get("/");
  both.accounts.pass(MINUTE);

  expect((await thief.get("/")).body).not.toContain("Ada");
  both.accounts.pass(16 * MINUTE);
  expect((await browser.get("/")).body).not.toContain("Ada");

  expect([thief.cookies.size, browser.cookies.size]).toEqual([0, 0]);
});

test("ends with the refresh token, after thirty days", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  both.accounts.pass(30 * DAY);

  const { statusCode, body } = await browser.get("/");

  expect(statusCode).toBe(200);
  expect(body).toContain("Sign in");
  expect(browser.cookies.size).toBe(0);
});

test("takes a deleted account for nobody's, and forgets its session", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  const [user] = await both.accounts.store.list(undefined, 1);
  await both.accounts.store.delete(String(user?.id));

  const { statusCode, body } = await browser.get("/books");

  expect(statusCode).toBe(200);
  expect(body).not.toContain("Ada");
  expect(browser.cookies.size).toBe(0);
});

test.each([
  ["nothing", ""],
  ["garbage", "garbage"],
  ["three parts of garbage", `e30.e30.${"x".repeat(86)}`],
  ["a token that is not signed", `${Buffer.from('{"alg":"none"}').toString("base64url")}.e30.`],
  ["8 KB", "x".repeat(8_000)],
  ["a token of another mesh", testUsers().tokenOf("7000001")],
  ["line breaks", "x%0d%0aset-cookie:%20a=b"],
  ["a percent sign too many", "%"],
  ["what is no text", "%00%ff%fe"],
  ["a header", "x%0d%0aauthorization: Bearer y"],
])("takes whoever brings %s as tokens for a guest, and has the browser forget them", async (_what, token) => {
  await using both = await startShop();
  await both.signedIn();
  const browser = both.browser();
  browser.cookies.set(ACCESS, token).set(REFRESH, token);

  const { statusCode, body, headers } = await browser.get("/");

  expect(statusCode).toBe(200);
  expect(body).toContain('<a href="/sign-in">Sign in</a>');
  expect(browser.cookies.size).toBe(0);
  expect(Object.keys(headers)).not.toContain("authorization");
  expect([headers["set-cookie"]].flat().every((line) => /^bookmesh-(access|refresh)=; Max-Age=0;/.test(String(line)))).toBe(true);
  expect((await browser.get("/account")).headers.location).toBe("/sign-in?next=%2Faccount");
});

test("takes a token whose user somebody has changed for none", async () => {
  await using both = await startShop();
  const [ada, bob] = [await both.signedIn(), await both.signedIn(BOB)];
  const [header, , signature] = String(ada.cookies.get(ACCESS)).split(".");
  const [, payload] = String(bob.cookies.get(ACCESS)).split(".");
  ada.cookies.set(ACCESS, `${header}.${payload}.${signature}`).delete(REFRESH);

  const { body } = await ada.get("/");

  expect(body).not.toMatch(/Ada|Bob/);
  expect(ada.cookies.size).toBe(0);
});

test("shows whose token it is, not who the other cookie belongs to, until it expires", async () => {
  await using both = await startShop();
  const [ada, bob] = [await both.signedIn(), await both.signedIn(BOB)];
  ada.cookies.set(REFRESH, String(bob.cookies.get(REFRESH)));

  expect((await ada.get("/account")).body).toMatch(/ada@example\.com/);
  ada.cookies.delete(ACCESS);

  const { body } = await ada.get("/account");
  expect(body).toContain("bob@example.com");
  expect(body).not.toContain("ada@example.com");
});

test("goes on without a refresh token as long as the access token is good", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  browser.cookies.delete(REFRESH);

  expect((await browser.get("/")).body).toContain(`${NAME}Ada`);
  both.accounts.pass(16 * MINUTE);
  expect((await browser.get("/")).body).not.toContain("Ada");
});

test("sells to whoever is signed in when register is down, without the name", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  await browser.get("/");
  both.accounts.stop();

  const home = await browser.get("/books");
  const account = await browser.get("/account");

  expect(home.statusCode).toBe(200);
  expect(home.body).toContain('<a class="name" href="/account">Your account</a>');
  expect(account.statusCode).toBe(503);
  expect(account.body).toContain("<h1>Accounts are taking a break</h1>");
  expect(browser.cookies.size).toBe(2);
});

test("keeps the cookies of a session that cannot be renewed because register is down", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  both.accounts.pass(16 * MINUTE);
  both.accounts.stop();

  const { statusCode, body } = await browser.get("/books");

  expect(statusCode).toBe(200);
  expect(body).toContain('<a class="name" href="/account">Your account</a>');
  expect((await browser.get("/account")).statusCode).toBe(503);
  expect(browser.cookies.size).toBe(2);
});

test("keeps the cookies of a session whose token cannot be verified because nobody has the keys", async () => {
  await using both = await startShop();
  const { cookies } = await both.signedIn();
  both.accounts.stop();
  const { register, sessions } = both.accounts;
  await using shop = await openShop(both.marketplace, { register, sessions, verifyUserToken: both.accounts.newVerifier() });
  const browser = new TestBrowser(shop);
  for (const [name, value] of cookies) browser.cookies.set(name, value);

  expect((await browser.get("/")).body).toContain('<a class="name" href="/account">Your account</a>');

  expect(browser.cookies).toEqual(cookies);
});

test("asks register again when it does not take a token that looks good", async () => {
  await using marketplace = await startMarketplace();
  const users = testUsers();
  const user = { id: "7000001", email: "ada@example.com", name: "Ada", language: "", country: "", createTime: undefined };
  const session: Session = {
    ...{ user, accessToken: users.tokenOf("7000001"), refreshToken: "next" },
    ...{ accessTokenExpireTime: new Date(Date.now() + 15 * MINUTE), refreshTokenExpireTime: new Date(Date.now() + DAY) },
  };
  await using shop = await openShop(marketplace, {
    verifyUserToken: users.verify,
    register: { getUser: refused(Status.UNAUTHENTICATED) },
    sessions: { refreshSession: async () => ({ session }) },
  });
  const browser = new TestBrowser(shop);
  browser.cookies.set(ACCESS, users.tokenOf("7000001")).set(REFRESH, "last");

  expect((await browser.get("/")).body).toContain(`${NAME}Ada`);

  expect(browser.cookies.get(REFRESH)).toBe("next");
});

test("has the calls for a page carry the token of whoever looks at it, and of nobody else", async () => {
  const seen: (string | undefined)[] = [];
  const recommend = async () => {
    await new Promise(setImmediate);
    seen.push(currentCall()?.userToken);
    return { recommendations: [] };
  };
  await using both = await startShop({ recommendations: { recommend } });
  const browsers = [await both.signedIn(), await both.signedIn(BOB), both.browser()];
  const tokens = browsers.map(({ cookies }) => cookies.get(ACCESS));

  for (const browser of browsers) await browser.get("/");
  await Promise.all(browsers.map((browser) => browser.get("/")));

  expect(new Set(tokens).size).toBe(3);
  expect(seen.slice(0, 3)).toEqual(tokens);
  expect(seen.slice(3).toSorted()).toEqual(tokens.toSorted());
});

test("still knows for whom it works when a form comes in pieces", async () => {
  await using both = await startShop();
  const { cookies } = await both.signedIn();
  const address = await both.shop.listen({ host: "127.0.0.1", port: 0 });
  const body = Buffer.from("name=Grace&email=grace%40example.com");
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const headers = { cookie, "content-type": "application/x-www-form-urlencoded", "content-length": body.length };
  const sent = request(`${address}/account`, { method: "POST", headers });
  const answered = once(sent, "response");

  for (const piece of [body.subarray(0, 10), body.subarray(10)]) {
    sent.write(piece);
    // Long after the session is known: the piece before has been read.
    await both.shop.inject("/");
  }
  sent.end();

  const [answer] = await answered;
  answer.resume();
  expect([answer.statusCode, answer.headers.location]).toEqual([303, "/account?done=profile"]);
  expect(await both.accounts.store.list(undefined, 10)).toMatchObject([{ name: "Grace", email: "grace@example.com" }]);
});

test("asks for recommendations for whoever is signed in", async () => {
  const asked: unknown[] = [];
  const recommend = async ({ userId }: { userId?: string }) => {
    asked.push(userId);
    return { recommendations: [] };
  };
  await using both = await startShop({ recommendations: { recommend } });
  const browser = await both.signedIn();
  const [user] = await both.accounts.store.list(undefined, 1);

  await browser.get("/");

  expect(asked).toEqual([user?.id]);
});

test("asks nobody about pictures and styles, which are the same for all", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  both.accounts.pass(16 * MINUTE);
  const before = both.accounts.logs.with({ msg: "call finished" }).length;

  const answers = [await browser.get("/assets/style.css"), await browser.get("/covers/1.svg")];

  expect(answers.map(({ headers }) => headers["set-cookie"])).toEqual([undefined, undefined]);
  expect(both.accounts.logs.with({ msg: "call finished" })).toHaveLength(before);
});
