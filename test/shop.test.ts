import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pino from "pino";
import { services } from "../cli/services.ts";
import { pushClient } from "../clients/push.ts";
import { recommendationsClient } from "../clients/recommendations.ts";
import { registerClient, sessionClient } from "../clients/register.ts";
import { BookCategory } from "../gen/bookstore/catalog/v1/book.ts";
import type { WatchRecommendationsResponse } from "../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { Shop } from "./support/shop.ts";

const MAIN = fileURLToPath(new URL("../cli/main.ts", import.meta.url));
const silent = pino({ level: "silent" });

let shop: Shop;
beforeAll(async () => {
  shop = await Shop.open();
}, 60_000);
afterAll(() => shop[Symbol.asyncDispose]());

function items(page: string): number {
  return page.split("<li>").length - 1;
}

/** Looks again and again until the page is as it should be; the test's own time limit ends it. */
async function eventually(path: string, fits: (page: string) => boolean): Promise<string> {
  while (true) {
    const page = await shop.page(path).catch(() => "");
    if (fits(page)) return page;
    await new Promise(setImmediate);
  }
}

test("the front page suggests three mysteries", async () => {
  const page = await shop.page("/");

  expect(page).toContain("<title>Online Books For You</title>");
  expect(page).toContain("<h1>Mystery books you may like</h1>");
  expect(items(page)).toBe(3);
  expect(page).not.toContain("taking a break");
});

test("who registers on the page is pushed to in their language, also while nobody listens", async () => {
  const form = { name: "Wei", email: "wei@example.com", password: "correct horse", language: "zh", country: "CN" };
  const answer = await fetch(`${shop.storefront}/register`, {
    method: "POST",
    body: new URLSearchParams(form),
    redirect: "manual",
  });
  expect(answer.status).toBe(303);

  const channels = [await shop.channel("register", "gateway"), await shop.channel("push", "gateway")] as const;
  const register = registerClient(channels[0], silent);
  const push = pushClient(channels[1], silent);
  const { user } = await register.checkRegistered({ key: { $case: "email", value: form.email } });
  const userId = String(user?.id);
  const { email, password } = form;
  const { session } = await sessionClient(channels[0], silent).signIn({ email, password, clientAddress: "127.0.0.1" });
  const userToken = String(session?.accessToken);

  const translations = new Map([["zh", "你的书到了"]]);
  await push.push({ userId, content: "Your book is here", translations });
  const received: string[] = [];
  for await (const { notification } of push.subscribe({ userId }, { userToken })) {
    received.push(String(notification?.content));
    if (received.length === 2) break;
    await push.push({ userId, content: "A second one" });
  }

  expect(received).toEqual(["你的书到了", "A second one"]);
  for (const channel of channels) channel.close();
});

test("who registers on the page is signed in, signs out, and finds the account again after signing in", async () => {
  const cookies = new Map<string, string>();
  const visit = async (path: string, fields?: Record<string, string>) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const form = fields && { method: "POST", body: new URLSearchParams(fields) };
    const answer = await fetch(shop.storefront + path, { ...form, headers: { cookie }, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return { location: answer.headers.get("location"), page: await answer.text() };
  };
  const credentials = { email: "grace@example.com", password: "correct horse" };

  await visit("/register", { ...credentials, name: "Grace Hopper", language: "en", country: "US" });
  expect((await visit("/")).page).toContain("</span>Grace Hopper</a>");

  await visit("/sign-out", {});
  expect((await visit("/")).page).not.toContain("Grace Hopper");
  expect((await visit("/account")).location).toBe("/sign-in?next=%2Faccount");

  expect((await visit("/sign-in", { ...credentials, next: "/account" })).location).toBe("/account");
  expect((await visit("/account")).page).toContain('value="Grace Hopper"');
});

test("an operator lets a user administer the shop, and takes it back", async () => {
  const [email, password] = ["ada@example.com", "correct horse"];
  const channel = await shop.channel("register", "gateway");
  const register = registerClient(channel, silent);
  await register.register({ email, password, name: "Ada" });
  const listUsers = async () => {
    const { session } = await sessionClient(channel, silent).signIn({ email, password, clientAddress: "127.0.0.1" });
    return register.listUsers({}, { userToken: String(session?.accessToken) });
  };
  const administrator = async (...args: string[]) =>
    (await promisify(execFile)(process.execPath, [MAIN, "administrator", ...args, "--data", shop.data])).stdout;
  await expect(listUsers()).rejects.toMatchObject({ reason: "USER_NOT_ALLOWED" });

  expect(await administrator(email)).toMatch(/^Ada \(\d+\) administers the shop\.\n$/);
  expect((await listUsers()).users.map(({ name }) => name)).toContain("Ada");

  expect(await administrator(email, "--revoke")).toMatch(/^Ada \(\d+\) does not administer the shop any more\.\n$/);
  await expect(listUsers()).rejects.toMatchObject({ reason: "USER_NOT_ALLOWED" });
  await expect(administrator("nobody@example.com")).rejects.toMatchObject({ code: 65 });
  channel.close();
});

test("a book that is imported while the shop runs is found on the page and recommended", async () => {
  const file = join(shop.data, "books.csv");
  await writeFile(
    file,
    "book_id,authors,original_publication_year,title,language_code,average_rating,ratings_count\n1,Zoë Qvist,2001,Ünheard Öf,eng,4.0,12\n",
  );
  await promisify(execFile)(process.execPath, [MAIN, "import", file, "--data", shop.data, "--category", "mystery"]);

  expect(await shop.page("/search?q=unheard+of+zoe")).toContain("Ünheard Öf");

  const channel = await shop.channel("recommendations", "gateway");
  const recommendations = recommendationsClient(channel, silent);
  const watch = recommendations.watchRecommendations({ category: BookCategory.BOOK_CATEGORY_MYSTERY, maxResults: 50 });
  const isIn = (list: WatchRecommendationsResponse) => list.recommendations.some(({ book }) => book?.title === "Ünheard Öf");
  for await (const list of watch) if (isIn(list)) break;
  channel.close();
});

test("without recommendations the shop still sells and says so quietly, until they are back", async () => {
  const { pid } = await shop.line(({ name, pid }) => name === "recommendations" && pid !== undefined);
  process.kill(Number(pid), "SIGKILL");

  const without = await eventually("/", (page) => page.includes("taking a break"));
  expect(items(without)).toBe(3);
  expect(await shop.page("/books/2")).toContain("Murder on the Orient Express");

  const again = await eventually("/", (page) => page !== "" && !page.includes("taking a break"));
  expect(items(again)).toBe(3);
}, 40_000);

test("no password, e-mail address or message has reached the log of any service", () => {
  const everything = JSON.stringify(shop.lines);

  expect(shop.lines.length).toBeGreaterThan(20);
  for (const secret of ["correct horse", "wei@example.com", "grace@example.com", "你的书到了", "Your book is here"]) {
    expect(everything).not.toContain(secret);
  }
});

test("Ctrl-C stops every server in order and ends with 0", async () => {
  expect(await shop.stop()).toBe(0);

  const stopped = shop.lines.filter(({ msg }) => msg === "Shut down gracefully").map(({ name }) => name);
  expect(stopped.toSorted()).toEqual(services.map(({ name }) => name).toSorted());
  expect(stopped.slice(-2)).toEqual(["register", "registry"]);
});
