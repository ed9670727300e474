import { Status } from "nice-grpc";
import { CallFailure } from "../../../clients/call-failure.ts";
import type { User } from "../../../gen/bookstore/register/v1/register_service.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { testUsers } from "../../../test/support/users.ts";
import { ADA, openShop, startShop } from "./testing.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";

const PROFILE = { name: ADA.name, email: ADA.email, language: ADA.language, country: ADA.country };
const BOB = { ...ADA, name: "Bob", email: "bob@example.com" };
const NEW = "battery staple";

/** What the fields of a page hold. */
function valuesOf(answer: { body: string }): Record<string, string | undefined> {
  const body = unescaped(answer);
  const inputs = [...body.matchAll(/<input id="(\w+)" [^>]*?value="([^"]*)"/g)].map(([, name = "", value]) => [name, value]);
  return { ...Object.fromEntries(inputs), language: /<option value="([^"]*)"[^>]* selected>/.exec(body)?.[1] };
}

test.each([
  ["GET", "/account"],
  ["POST", "/account"],
  ["POST", "/account/password"],
  ["GET", "/account/delete"],
  ["POST", "/account/delete"],
])("sends a guest who asks for %s %s to the door, and from there to the account", async (method, url) => {
  await using both = await startShop();
  const browser = both.browser();

  const { statusCode, headers } = await (method === "GET" ? browser.get(url) : browser.post(url));

  expect([statusCode, headers.location]).toEqual([303, "/sign-in?next=%2Faccount"]);
});

test("shows what register knows of the user, and keeps it out of every cache", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();

  const answer = await browser.get("/account");

  expect([answer.statusCode, answer.headers["cache-control"]]).toEqual([200, "no-store"]);
  expect(valuesOf(answer)).toMatchObject({ ...PROFILE, q: "" });
  for (const [name, autocomplete] of [
    ["name", "name"],
    ["email", "email"],
    ["country", "country-name"],
    ["currentPassword", "current-password"],
    ["newPassword", "new-password"],
  ]) {
    expect(answer.body).toContain(`<label for="${name}">`);
    expect(answer.body).toMatch(new RegExp(`<input id="${name}" name="${name}" type="\\w+" autocomplete="${autocomplete}"`));
  }
});

test.each([
  ["en-GB", "British English"],
  ["", "Not given"],
  ["tlh-x", "tlh-x"],
])("shows the language %j that the form does not offer as %s, and keeps it", async (language, shown) => {
  await using both = await startShop();
  const browser = await both.signedIn({ ...ADA, language });

  const answer = await browser.get("/account");
  expect(unescaped(answer)).toContain(`<option value="${language}" selected>${shown}</option>`);
  await browser.post("/account", { ...PROFILE, language });

  expect(valuesOf(await browser.get("/account")).language).toBe(language);
});

test("changes the account and says so", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  const changed = { name: "Ada Lovelace", email: "countess@example.com", language: "en", country: "" };

  const { statusCode, headers } = await browser.post("/account", changed);

  expect([statusCode, headers.location]).toEqual([303, "/account?done=profile"]);
  const answer = await browser.get(String(headers.location));
  expect(answer.body).toContain('<p class="done" role="status">Your changes are saved.</p>');
  expect(answer.body).toContain("</span>Ada Lovelace</a>");
  expect(valuesOf(answer)).toMatchObject(changed);
  expect((await browser.get("/account?done=anything")).body).not.toContain('role="status"');
});

test("says beside each field what is wrong with it, keeps what was typed and changes nothing", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  const typed = { name: "", email: "ada at example", language: "de", country: "x".repeat(61) };

  const answer = await browser.post("/account", typed);

  expect(answer.statusCode).toBe(422);
  expect(answer.body).toContain('<li><a href="#email">E-mail must be an e-mail address</a></li>');
  expect(answer.body).toContain('<p class="problem" id="name-problem">Name must not be empty.</p>');
  expect(answer.body).toContain("</span>Ada</a>");
  expect(valuesOf(answer)).toMatchObject(typed);
  expect(valuesOf(await browser.get("/account"))).toMatchObject(PROFILE);
});

test("takes no address that somebody else has", async () => {
  await using both = await startShop();
  await both.signedIn(BOB);
  const browser = await both.signedIn();

  const answer = await browser.post("/account", { ...PROFILE, email: "BOB@example.com" });

  expect(answer.statusCode).toBe(409);
  expect(answer.body).toContain("E-mail has an account already.");
  expect(answer.body).not.toContain("Bob");
});

test("changes nobody else, whatever id the form names", async () => {
  await using both = await startShop();
  await both.signedIn(BOB);
  const browser = await both.signedIn();
  const bob = await both.accounts.store.getByEmail(BOB.email);

  await browser.post("/account", { ...PROFILE, name: "Eve", userId: String(bob?.id), user_id: String(bob?.id) });

  expect(await both.accounts.store.get(String(bob?.id))).toEqual(bob);
  expect(valuesOf(await browser.get("/account")).name).toBe("Eve");
});

test("changes the password, stays signed in here and nowhere else", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  const elsewhere = both.browser();
  await elsewhere.post("/sign-in", ADA);
  const before = new Map(browser.cookies);

  const { statusCode, headers } = await browser.post("/account/password", { currentPassword: ADA.password, newPassword: NEW });

  expect([statusCode, headers.location]).toEqual([303, "/account?done=password"]);
  for (const [name, value] of browser.cookies) expect(value).not.toBe(before.get(name));
  expect((await browser.get("/account?done=password")).body).toContain("Your password is changed.");
  both.accounts.pass(16 * 60_000);
  expect((await elsewhere.get("/")).body).not.toContain("Ada");
  expect((await browser.get("/")).body).toContain("Ada");
  expect((await both.browser().post("/sign-in", ADA)).statusCode).toBe(403);
  expect((await both.browser().post("/sign-in", { ...ADA, password: NEW })).statusCode).toBe(303);
});

test.each([
  [{ currentPassword: "wrong", newPassword: NEW }, 403, "Current password is not the one that you sign in with."],
  [{ currentPassword: ADA.password, newPassword: "short" }, 422, "New password must be at least 8 characters long."],
  [{}, 422, "Current password is required."],
])("given %j for a new password, answers %d: %s", async (fields, status, sentence) => {
  await using both = await startShop();
  const browser = await both.signedIn();

  const answer = await browser.post("/account/password", fields as Record<string, string>);

  expect(answer.statusCode).toBe(status);
  expect(answer.body).toContain(sentence);
  // What was typed into the other form is not this form's to lose.
  expect(valuesOf(answer)).toMatchObject(PROFILE);
  expect(unescaped(answer)).not.toMatch(/value="(wrong|short|correct horse)"/);
  expect((await both.browser().post("/sign-in", ADA)).statusCode).toBe(303);
});

test("says when to come again after too many wrong passwords", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  const guess = () => browser.post("/account/password", { currentPassword: "wrong", newPassword: NEW });
  let answer = await guess();
  for (let i = 0; i < 100 && answer.statusCode === 403; i++) answer = await guess();

  expect([answer.statusCode, Number(answer.headers["retry-after"]) > 0]).toEqual([429, true]);
  expect(answer.body).toContain("There were too many attempts.");
});

test("deletes the account for good, once the password says that it is the user's wish", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  expect((await browser.get("/account")).body).toContain('<a href="/account/delete">Delete my account</a>');
  const { statusCode, body } = await browser.get("/account/delete");
  expect(statusCode).toBe(200);
  expect(body).toContain('<a href="/account">Keep my account</a>');

  const answer = await browser.post("/account/delete", { password: ADA.password });

  expect([answer.statusCode, answer.headers.location, browser.cookies.size]).toEqual([303, "/goodbye", 0]);
  expect((await browser.get("/goodbye")).body).toContain("Your account is deleted.");
  expect(await both.accounts.store.list(undefined, 10)).toEqual([]);
  expect((await browser.post("/sign-in", ADA)).statusCode).toBe(403);
});

test.each([
  ["wrong horse", 403, "Password is not the one that you sign in with."],
  ["", 422, "Password is required."],
])("deletes nothing for the password %j", async (password, status, sentence) => {
  await using both = await startShop();
  const browser = await both.signedIn();

  const answer = await browser.post("/account/delete", { password });

  expect(answer.statusCode).toBe(status);
  expect(answer.body).toContain(sentence);
  expect((await browser.get("/account")).statusCode).toBe(200);
});

test("leaves no session of the check behind when the account cannot be deleted", async () => {
  await using both = await startShop();
  const browser = await both.signedIn();
  const ended: unknown[] = [];
  const signOut = async ({ refreshToken }: { refreshToken?: string }) => {
    ended.push(refreshToken);
    return {};
  };
  const { register, sessions, verifyUserToken } = both.accounts;
  await using shop = await openShop(both.marketplace, {
    register: { getUser: register.getUser },
    sessions: { signIn: sessions.signIn, signOut },
    verifyUserToken,
  });
  const other = new TestBrowser(shop);
  for (const [name, value] of browser.cookies) other.cookies.set(name, value);

  const { statusCode, body } = await other.post("/account/delete", { password: ADA.password });

  expect(statusCode).toBe(503);
  expect(body).toContain("Accounts cannot be changed just now. Please try again in a minute.");
  expect(ended).toEqual([expect.stringMatching(/^[\w-]{43}$/)]);
  expect(other.cookies).toEqual(browser.cookies);
});

test.each(["</title></h1><script>canary()</script>", `"><img src=x onerror=canary()>`, "' autofocus onfocus='canary()"])(
  "shows a user called %s as text",
  async (name) => {
    const users = testUsers();
    const user: User = { id: "7", email: `${name}@x`, name, language: name, country: name, createTime: undefined };
    const taken = new CallFailure("/x/UpdateUser", Status.ALREADY_EXISTS, name, {
      ...{ reason: "EMAIL_TAKEN", metadata: {}, violations: [], retryAfterMs: undefined },
    });
    await using marketplace = await startMarketplace();
    await using shop = await openShop(marketplace, {
      verifyUserToken: users.verify,
      register: { getUser: async () => ({ user }), updateUser: () => Promise.reject(taken) },
    });
    const browser = new TestBrowser(shop);
    browser.cookies.set("bookmesh-access", users.tokenOf("7"));

    for (const { body } of [
      await browser.get("/account"),
      await browser.post("/account", { name, email: name, language: name, country: name }),
      await browser.get("/account/delete"),
    ]) {
      expect(body).toContain("canary");
      expect(body).not.toMatch(/<script|<img|\son\w+=['"]?canary|<[^>]*' autofocus/);
    }
  },
);
