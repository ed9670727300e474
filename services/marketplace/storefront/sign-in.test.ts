import { Status } from "nice-grpc";
import { CallFailure } from "../../../clients/call-failure.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { ADA, openShop, startShop } from "./testing.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";

const DAY = 24 * 60 * 60;
const CREDENTIALS = { email: ADA.email, password: ADA.password };
const TOGETHER = "The e-mail address and the password do not belong together.";

/** The shop, where Ada has an account. */
async function startWithAda(...options: Parameters<typeof startShop>) {
  const shop = await startShop(...options);
  const { user } = await shop.accounts.register.register(ADA);
  return { ...shop, id: String(user?.id) };
}

test("shows a form whose fields are labelled, which password managers fill in, and a way to register", async () => {
  await using both = await startShop();

  const { statusCode, body } = await both.browser().get("/sign-in");

  expect(statusCode).toBe(200);
  expect(body).toContain('<label for="email">E-mail</label>');
  expect(body).toContain('<label for="password">Password</label>');
  expect(body).toMatch(/<input id="email" name="email" type="email" autocomplete="username"/);
  expect(body).toMatch(/<input id="password" name="password" type="password" autocomplete="current-password"/);
  expect(body).toContain('New here? <a href="/register">Register</a>');
  expect(body).not.toContain('role="alert"');
});

test("signs in, whatever the case of the address, and shows the name on every page from then on", async () => {
  await using both = await startWithAda();
  const browser = both.browser();
  expect((await browser.get("/")).body).toContain('<a href="/sign-in">Sign in</a>');

  const { statusCode, headers } = await browser.post("/sign-in", { ...CREDENTIALS, email: "ADA@Example.com" });

  expect([statusCode, headers.location]).toEqual([303, "/"]);
  for (const page of ["/", "/books", "/search?q=x", "/welcome", "/no-such-page", "/books/abc"]) {
    const { body, headers } = await browser.get(page);
    expect(body).toContain('<a class="name" href="/account"><span class="hidden">Your account: </span>Ada</a>');
    expect(body).toContain('<form method="post" action="/sign-out">');
    expect(body).not.toContain("/sign-in");
    expect(headers["cache-control"]).toBe("no-store");
  }
});

test("keeps the session in two cookies that no script reads, for as long as the session may go on", async () => {
  await using both = await startWithAda();
  const browser = both.browser();

  await browser.post("/sign-in", CREDENTIALS);

  expect(browser.setCookies).toEqual([
    expect.stringMatching(/^bookmesh-access=[\w.-]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/),
    expect.stringMatching(/^bookmesh-refresh=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/),
  ]);
  for (const cookie of browser.setCookies) {
    const age = Number(/Max-Age=(\d+)/.exec(cookie)?.[1]);
    expect(age).toBeGreaterThan(30 * DAY - 60);
    expect(age).toBeLessThanOrEqual(30 * DAY);
  }
});

test("has cookies for https alone, which no other host can plant, where the shop is reached by https", async () => {
  await using both = await startWithAda({ publicUrl: "https://shop.example" });
  const browser = both.browser();

  await browser.post("/sign-in", CREDENTIALS);
  expect((await browser.get("/")).body).toContain("Ada");
  await browser.post("/sign-out");

  expect(browser.setCookies).toHaveLength(4);
  for (const cookie of browser.setCookies) {
    expect(cookie).toMatch(/^__Host-bookmesh-(access|refresh)=[^;]*; Max-Age=\d+; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/);
  }
});

test("believes no header about https or the address, unless it comes from a proxy that is trusted", async () => {
  const forwarded = { "x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https" };
  const seen: unknown[] = [];
  const sessions = {
    signIn: async ({ clientAddress }: { clientAddress?: string }) => {
      seen.push(clientAddress);
      throw new CallFailure("/x/SignIn", Status.UNAUTHENTICATED, "", {
        ...{ reason: "INVALID_CREDENTIALS", metadata: {}, violations: [], retryAfterMs: undefined },
      });
    },
  };
  await using marketplace = await startMarketplace();
  await using shop = await openShop(marketplace, { sessions });
  await using behind = await openShop(marketplace, { sessions, trustedProxies: ["127.0.0.0/8"] });
  await using elsewhere = await openShop(marketplace, { sessions, trustedProxies: ["10.0.0.0/8"] });

  for (const one of [shop, behind, elsewhere]) await new TestBrowser(one).post("/sign-in", CREDENTIALS, forwarded);
  await new TestBrowser(behind).post("/sign-in", CREDENTIALS, { "x-forwarded-for": "unknown" });

  expect(seen).toEqual(["127.0.0.1", "192.0.2.7", "127.0.0.1", "127.0.0.1"]);
});

test.each([
  ["a wrong password", { password: "incorrect" }],
  ["an address that nobody has", { email: "nobody@example.com" }],
  ["an address that is none", { email: "ada" }],
])("says one and the same to %s, and keeps the address that was typed", async (_what, wrong) => {
  await using both = await startWithAda();
  const browser = both.browser();
  const typed = { ...CREDENTIALS, ...wrong };

  const answer = await browser.post("/sign-in", { ...typed, next: "/books" });

  expect(answer.statusCode).toBe(403);
  const page = unescaped(answer);
  expect(page).toContain(`<p role="alert">${TOGETHER}</p>`);
  expect(page).toContain("<title>Problem: Sign in · Bookmesh</title>");
  expect(page).toMatch(new RegExp(`<input id="email"[^>]* value="${typed.email}"`));
  expect(page).toContain('<input type="hidden" name="next" value="/books">');
  expect(page).not.toContain(typed.password);
  expect(answer.headers["cache-control"]).toBe("no-store");
  expect(browser.cookies.size).toBe(0);
});

test("asks for what is missing", async () => {
  await using both = await startShop();

  const { statusCode, body } = await both.browser().post("/sign-in");

  expect(statusCode).toBe(422);
  expect(body).toContain('<li><a href="#email">E-mail is required</a></li>');
  expect(body).toContain('<p class="problem" id="password-problem">Password is required.</p>');
});

test("says when to come again after too many wrong passwords", async () => {
  await using both = await startWithAda();
  const browser = both.browser();
  let answer = await browser.post("/sign-in", { ...CREDENTIALS, password: "wrong" });
  for (let i = 0; i < 100 && answer.statusCode !== 429; i++) {
    answer = await browser.post("/sign-in", { ...CREDENTIALS, password: "wrong" });
  }

  const right = await browser.post("/sign-in", CREDENTIALS);

  expect([answer.statusCode, right.statusCode]).toEqual([429, 429]);
  const seconds = Number(right.headers["retry-after"]);
  expect(seconds).toBeGreaterThan(0);
  expect(right.body).toMatch(/There were too many attempts\. Please try again in \d+ (second|minute)s?\./);
  both.accounts.pass(seconds * 1_000);
  expect((await browser.post("/sign-in", CREDENTIALS)).statusCode).toBe(303);
});

test("says that many are before somebody, without a reproach", async () => {
  await using marketplace = await startMarketplace();
  const busy = new CallFailure("/x/SignIn", Status.RESOURCE_EXHAUSTED, "too many wait", {
    ...{ reason: "OVERLOADED", metadata: {}, violations: [], retryAfterMs: 1_000 },
  });
  await using shop = await openShop(marketplace, { sessions: { signIn: () => Promise.reject(busy) } });

  const { statusCode, headers, body } = await new TestBrowser(shop).post("/sign-in", CREDENTIALS);

  expect([statusCode, headers["retry-after"]]).toEqual([503, "1"]);
  expect(body).toContain("Too many people are at this door just now. Please try again in 1 second.");
});

test("sells on when register is down, and says so where one signs in", async () => {
  await using both = await startWithAda();
  both.accounts.stop();
  const browser = both.browser();

  expect((await browser.get("/")).statusCode).toBe(200);
  expect((await browser.get("/sign-in")).statusCode).toBe(200);
  const { statusCode, body } = await browser.post("/sign-in", CREDENTIALS);

  expect(statusCode).toBe(503);
  expect(body).toContain("Nobody can sign in just now. The shop is open all the same. Please try again in a minute.");
  expect(body).toMatch(/<input id="email"[^>]* value="ada@example.com"/);
});

test.each([
  ["/books/3", "/books/3"],
  ["/search?q=a&page=b", "/search?q=a&page=b"],
  ["//evil.example", "/"],
  ["https://evil.example/", "/"],
  ["/..//evil.example", "/"],
  ["/\\evil.example", "/"],
])("goes on to where one came from, of %s to %s", async (next, location) => {
  await using both = await startWithAda();
  const browser = both.browser();
  expect((await browser.get(`/sign-in?${new URLSearchParams({ next })}`)).body).not.toContain("evil");

  const { headers } = await browser.post("/sign-in", { ...CREDENTIALS, next });
  const again = await browser.get(`/sign-in?${new URLSearchParams({ next })}`);

  expect(headers.location).toBe(location);
  // Who is signed in has nothing to do there.
  expect([again.statusCode, again.headers.location]).toEqual([303, location]);
});

test.each([
  ["/", "/sign-in"],
  ["/books/1?a=b", "/sign-in?next=%2Fbooks%2F1%3Fa%3Db"],
  ["/search?q=%22%3E%3Cb", "/sign-in?next=%2Fsearch%3Fq%3D%2522%253E%253Cb"],
  ["/sign-in?next=%2Fbooks", "/sign-in"],
  ["/register", "/sign-in"],
  ["/welcome", "/sign-in"],
])("leads from %s to the door and back", async (page, link) => {
  await using both = await startShop();

  const header = /<nav aria-label="Shop">.*?<\/nav>/s.exec(unescaped(await both.browser().get(page)))?.[0];

  expect(header).toContain(`<a href="${link}">Sign in</a>`);
});

test("signs out on register too: neither token of the session gets a page or a next token afterwards", async () => {
  await using both = await startWithAda();
  const browser = both.browser();
  await browser.post("/sign-in", CREDENTIALS);
  const stolen = both.browser();
  for (const [name, value] of browser.cookies) stolen.cookies.set(name, value);

  const { statusCode, headers } = await browser.post("/sign-out");

  expect([statusCode, headers.location, browser.cookies.size]).toEqual([303, "/", 0]);
  expect((await browser.get("/")).body).toContain("Sign in");
  stolen.cookies.delete("bookmesh-access");
  expect((await stolen.get("/")).body).not.toContain("Ada");
  expect(stolen.cookies.size).toBe(0);
});

test("forgets a session in this browser when register cannot end it, and says so", async () => {
  await using both = await startWithAda();
  const browser = both.browser();
  await browser.post("/sign-in", CREDENTIALS);
  both.accounts.stop();

  const { statusCode, body } = await browser.post("/sign-out");

  expect([statusCode, browser.cookies.size]).toEqual([503, 0]);
  expect(body).toContain("This browser has forgotten you.");
  expect(body).not.toContain("Ada");
});

test("signs out who is not signed in, or brings no token that could be one", async () => {
  await using both = await startShop();
  const browser = both.browser();
  expect((await browser.post("/sign-out")).headers.location).toBe("/");

  browser.cookies.set("bookmesh-refresh", "x".repeat(8_000));
  expect((await browser.post("/sign-out")).headers.location).toBe("/");

  expect(browser.cookies.size).toBe(0);
  expect((await browser.get("/sign-out")).statusCode).toBe(404);
});

test("keeps nothing from before: a session that was planted ends, and its tokens are replaced", async () => {
  await using both = await startWithAda();
  const attacker = await both.signedIn({ ...ADA, name: "Mallory", email: "mallory@example.com" });
  const browser = both.browser();
  for (const [name, value] of attacker.cookies) browser.cookies.set(name, value);
  // Whoever is signed in is let in by another name all the same.
  const planted = new Map(browser.cookies);

  await browser.post("/sign-in", CREDENTIALS);

  expect((await browser.get("/account")).body).toContain("ada@example.com");
  for (const [name, value] of browser.cookies) expect(value).not.toBe(planted.get(name));
  attacker.cookies.delete("bookmesh-access");
  expect((await attacker.get("/")).body).not.toContain("Mallory");
});

test.each(["/sign-in", "/sign-out", "/account", "/account/password", "/account/delete"])(
  "takes no form for %s that another site has sent",
  async (url) => {
    await using both = await startWithAda();
    const browser = both.browser();
    await browser.post("/sign-in", CREDENTIALS);
    const cookies = new Map(browser.cookies);

    const crossSite = await browser.post(url, CREDENTIALS, { "sec-fetch-site": "cross-site" });
    const { "sec-fetch-site": _, ...headers } = { "sec-fetch-site": "", origin: "https://evil.example" };
    const otherOrigin = await both.shop.inject({ method: "POST", url, headers });

    expect([crossSite.statusCode, otherOrigin.statusCode]).toEqual([403, 403]);
    expect(browser.cookies).toEqual(cookies);
    expect((await browser.get("/account")).statusCode).toBe(200);
  },
);

test("writes neither passwords nor tokens nor addresses to any log or address", async () => {
  await using both = await startWithAda();
  const browser = both.browser();
  const answers = [
    await browser.post("/sign-in", { ...CREDENTIALS, password: "wrong horse" }),
    await browser.post("/sign-in", { ...CREDENTIALS, password: "horse".repeat(300) }),
    await browser.post("/sign-in", CREDENTIALS),
  ];
  const tokens = [...browser.cookies.values()];
  both.accounts.pass(16 * 60_000);
  answers.push(await browser.get("/account"), await browser.post("/sign-out"));
  tokens.push(...browser.setCookies.map((cookie) => /=([^;]+)/.exec(cookie)?.[1] ?? "").filter((token) => token.length > 20));

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 400, 303, 200, 303]);
  expect(tokens.length).toBeGreaterThan(4);
  for (const secret of ["horse", "ada@example.com", ...tokens]) {
    expect(both.logs()).not.toContain(secret);
    for (const { headers } of answers) expect(String(headers.location)).not.toContain(secret);
  }
  for (const token of [...tokens, "horse"]) for (const { body } of answers) expect(body).not.toContain(token);
});
