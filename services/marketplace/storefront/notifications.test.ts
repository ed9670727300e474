import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { pushClient } from "../../../clients/push.ts";
import { NotificationKind } from "../../../gen/bookstore/push/v1/push_service.ts";
import { startAccounts } from "../../../test/support/accounts.ts";
import { startMarketplace, startPush } from "../../../test/support/service.ts";
import { ADA, openShop, skeletonOf } from "./testing.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";
import { usersOf } from "./testing-services.ts";

const LIVE =
  "default-src 'none';style-src 'self';img-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none';script-src 'self';connect-src 'self'";

/** The shop with the real register and the real push. */
async function start() {
  await using stack = new AsyncDisposableStack();
  const marketplace = stack.use(await startMarketplace());
  const accounts = stack.use(await startAccounts());
  const push = stack.use(await startPush({ users: usersOf(accounts) }));
  const { register, sessions, verifyUserToken, now } = accounts;
  const clients = { register, sessions, verifyUserToken, now, push: pushClient(push.channel, push.logger) };
  const shop = stack.use(await openShop(marketplace, { ...clients, streamLimits: { perUser: 2, inAll: 100 }, heartbeatMs: 20 }));
  const owned = stack.move();
  return { marketplace, accounts, push, clients, shop, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

type Started = Awaited<ReturnType<typeof start>>;

let it: Started;
beforeAll(async () => {
  it = await start();
});
afterAll(() => it[Symbol.asyncDispose]());

let users = 0;

/** Another user, with a browser, and what the shop has to say to them. */
async function reader({ shop, push, accounts }: Pick<Started, "shop" | "push" | "accounts"> = it) {
  const browser = new TestBrowser(shop);
  const email = `ada${users++}@example.com`;
  await browser.post("/register", { ...ADA, email });
  const user = (await accounts.store.list(undefined, 100)).find((one) => one.email === email);
  const userId = String(user?.id);
  const metadata = push.users.as("unused");
  metadata.delete("authorization");
  return {
    ...{ browser, userId },
    tell: (content: string) => push.client.push({ userId, content }, { metadata }),
    unread: async () => /id="unread"><span class="badge">(\d+)</.exec((await browser.get("/books")).body)?.[1],
    listen: (path?: string, headers?: Record<string, string>) => Listener.open(shop, browser, path, headers),
  };
}

/** A page of a browser that is open: what it hears. */
class Listener {
  readonly response: IncomingMessage;
  text = "";

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding("utf8").on("data", (text: string) => {
      this.text += text;
    });
  }

  static async open(
    shop: FastifyInstance,
    browser: TestBrowser,
    path = "/notifications/stream",
    headers: Record<string, string> = {},
  ): Promise<Listener> {
    const address = shop.server.address() as AddressInfo | null;
    const origin = address === null ? await shop.listen({ host: "127.0.0.1", port: 0 }) : `http://127.0.0.1:${address.port}`;
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const request = get(origin + path, { agent: false, headers: { cookie, ...headers } });
    const [response] = await once(request, "response");
    return new Listener(response);
  }

  /** Resolves when it has heard something. */
  async hears(what: string | RegExp): Promise<void> {
    while (!(typeof what === "string" ? this.text.includes(what) : what.test(this.text))) await once(this.response, "data");
  }

  close(): void {
    this.response.destroy();
  }
}

test.each(["/notifications", "/notifications/preferences"])("sends a guest who asks for %s to sign in", async (path) => {
  const { statusCode, headers } = await it.shop.inject(path);

  expect([statusCode, headers.location]).toEqual([303, `/sign-in?${new URLSearchParams({ next: path })}`]);
});

test("shows what a user has been told, and nobody else's", async () => {
  const [ada, bob] = [await reader(), await reader()];
  expect((await ada.browser.get("/notifications")).body).toContain("Nothing has happened yet.");
  await ada.tell("Line one.\n<b>Line two.</b>");
  await bob.tell("For Bob.");

  const page = await ada.browser.get("/notifications");

  expect([page.statusCode, page.headers["cache-control"]]).toEqual([200, "no-store"]);
  expect(unescaped(page)).toContain("Line one.\n<b>Line two.</b>");
  expect(page.body).not.toMatch(/<b>|For Bob/);
  expect(await ada.unread()).toBe("1");
});

test("marks as read what a user says, and leads back to the page", async () => {
  const ada = await reader();
  for (const text of ["One.", "Two.", "Three."]) await ada.tell(text);

  const one = await ada.browser.post("/notifications/read", { ids: "2", page: "" });
  expect([one.statusCode, one.headers.location, await ada.unread()]).toEqual([303, "/notifications", "2"]);
  const [, ids = ""] = /name="ids" value="([^"]+)"/.exec(unescaped(await ada.browser.get("/notifications"))) ?? [];
  await ada.browser.post("/notifications/read", { ids, page: "" });
  await ada.browser.post("/notifications/read", { ids, page: "" });

  expect(ids).toBe("3,1");
  expect(await ada.unread()).toBeUndefined();
  expect((await ada.browser.post("/notifications/read", { ids: "99" })).statusCode).toBe(303);
  expect((await ada.browser.post("/notifications/read", { ids: "x" })).statusCode).toBe(400);
});

test("leads from page to page", async () => {
  const ada = await reader();
  for (let count = 0; count < 21; count++) await ada.tell(`Text ${count}.`);

  const first = unescaped(await ada.browser.get("/notifications"));
  const [, next = ""] = /href="(\/notifications\?page=[^"]+)"/.exec(first) ?? [];
  const second = await ada.browser.get(next);

  expect(first).toContain("Text 20.");
  expect(second.body).toContain("Text 0.");
  expect(second.body).not.toContain("<script");
  expect((await ada.browser.get("/notifications?page=nonsense")).statusCode).toBe(400);
});

test("has one script of the shop's own on the page that shows news, and none elsewhere", async () => {
  const { browser } = await reader();

  const { headers, body } = await browser.get("/notifications");
  const others = [await browser.get("/"), await browser.get("/notifications/preferences"), await browser.get("/account")];

  expect(headers["content-security-policy"]).toBe(LIVE);
  expect(body.match(/<script[^>]*>/g)).toEqual(['<script src="/assets/notifications.js" defer>']);
  expect((await it.shop.inject("/assets/notifications.js")).statusCode).toBe(200);
  for (const page of others) expect(page.headers["content-security-policy"]).not.toContain("script-src");
});

test("shows hostile words as text", async () => {
  const ada = await reader();
  await ada.tell("harmless");
  const before = skeletonOf((await ada.browser.get("/notifications")).body);
  await ada.browser.post("/notifications/read", { ids: "1" });
  const bob = await reader();
  await bob.tell('</p></template><script>canary()</script>" onclick="canary()');

  expect(skeletonOf((await bob.browser.get("/notifications")).body)).toBe(before);
});

test("sends what comes while the page is open, and says that the connection lives", async () => {
  const ada = await reader();
  await ada.tell("Before.");
  const page = await ada.listen();
  await page.hears(":\n\n:\n\n");

  await ada.tell("Now,\nin two lines.");
  await page.hears(/id: 2\ndata: .*\n\n/);

  expect(page.response.headers).toMatchObject({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
  });
  const [, data = ""] = /data: (.*)/.exec(page.text) ?? [];
  expect(JSON.parse(data)).toMatchObject({
    id: "2",
    title: "A message for you",
    content: "Now,\nin two lines.",
    href: "",
    read: false,
  });
  expect(page.text).not.toContain("Before.");
  page.close();
});

test("goes on after the last one that a browser has", async () => {
  const ada = await reader();
  for (const text of ["One.", "Two.", "Three."]) await ada.tell(text);

  const after = await ada.listen("/notifications/stream?after=1");
  const resumed = await ada.listen("/notifications/stream?after=0", { "last-event-id": "2" });
  await Promise.all([after.hears("id: 3"), resumed.hears("id: 3")]);

  expect(after.text).toMatch(/id: 2\n[\s\S]*id: 3\n/);
  expect(resumed.text).not.toMatch(/id: [12]\n/);
  for (const page of [after, resumed]) page.close();
});

test("ends the call for a page that is left, and lets others in", async () => {
  const ada = await reader();
  const pages = [await ada.listen(), await ada.listen()];
  const refused = await ada.browser.get("/notifications/stream");
  await ada.tell("News.");
  for (const page of pages) await page.hears("id: 1");

  pages[0]?.close();
  await it.push.logs.find({ msg: "call finished", path: "/bookstore.push.v1.PushService/Subscribe", status: "CANCELLED" });
  const next = await ada.listen();

  expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([429, "60"]);
  expect(next.response.statusCode).toBe(200);
  for (const page of [...pages, next]) page.close();
});

test("has no more streams open than it can serve, whosever they are", async () => {
  const [ada, bob] = [await reader(), await reader()];
  await using shop = await openShop(it.marketplace, { ...it.clients, streamLimits: { perUser: 2, inAll: 1 } });
  const page = await Listener.open(shop, ada.browser);
  const refused = await Listener.open(shop, bob.browser);

  expect([page.response.statusCode, refused.response.statusCode]).toEqual([200, 429]);
  for (const one of [page, refused]) one.close();
});

test("ends the streams when the shop stops, without waiting for their readers", async () => {
  await using own = await start();
  const ada = await reader(own);
  const page = await ada.listen();
  await page.hears(":\n\n");
  const ended = once(page.response, "end");

  await own.shop.close();

  await ended;
  expect(page.response.complete).toBe(true);
});

test("ends a stream with the access token of its reader", async () => {
  const ada = await reader();
  const { register, now } = it.clients;
  let skewMs = 0;
  const slow: typeof register.getUser = async (...call) => {
    const answer = await register.getUser(...call);
    skewMs = 16 * 60_000;
    return answer;
  };
  await using shop = await openShop(it.marketplace, {
    ...it.clients,
    register: { ...register, getUser: slow },
    now: () => now() + skewMs,
  });

  const page = await Listener.open(shop, ada.browser);

  await once(page.response, "end");
  expect(page.response.complete).toBe(true);
});

test.each(["after=x", "after=-1", `after=${"9".repeat(16)}`])("refuses a stream with %s", async (query) => {
  const { browser } = await reader();

  expect((await browser.get(`/notifications/stream?${query}`)).statusCode).toBe(400);
});

test("tells a guest to sign in first", async () => {
  expect((await it.shop.inject("/notifications/stream")).statusCode).toBe(401);
});

test("shows what a user wants to be told of, and keeps what is chosen", async () => {
  const { browser } = await reader();
  const { NOTIFICATION_KIND_MESSAGE: message, NOTIFICATION_KIND_COMMENT_POSTED: comment } = NotificationKind;

  const before = await browser.get("/notifications/preferences");
  const saved = await browser.post("/notifications/preferences", {
    ...{ [`email-${message}`]: "on", [`web-${comment}`]: "on", quietFrom: "22:00", quietTo: "07:30", timeZone: "Europe/Berlin" },
  });
  const { body } = await browser.get(String(saved.headers.location));

  expect(before.body).toContain('in the language of <a href="/account">your account</a>: German.');
  expect([saved.statusCode, saved.headers.location]).toEqual([303, "/notifications/preferences?done=yes"]);
  expect(body).toContain("Your changes are saved.");
  const ticked = [...body.matchAll(/name="((?:web|email)-\d)" value="on" checked/g)].map(([, name]) => name);
  expect(ticked).toEqual(["web-1", "email-1", "web-2", "web-3", "web-4", "web-5"]);
  expect(body).toContain(`name="web-${message}" value="on" checked disabled`);
  expect(body).toContain('id="quietFrom" name="quietFrom" type="time" autocomplete="off" value="22:00"');
  expect(body).toContain('<option value="Europe/Berlin" selected>');
  await browser.post("/notifications/preferences", { quietFrom: "", quietTo: "", timeZone: "UTC" });
  expect((await browser.get("/notifications/preferences")).body).toContain(
    'id="quietFrom" name="quietFrom" type="time" autocomplete="off" value=""',
  );
});

test.each([
  [{ quietFrom: "22:00", quietTo: "", timeZone: "UTC" }, "quietTo"],
  [{ quietFrom: "25:00", quietTo: "07:00", timeZone: "UTC" }, "quietFrom"],
  [{ quietFrom: "22:00", quietTo: "22:00", timeZone: "UTC" }, "quietTo"],
  [{ quietFrom: "22:00", quietTo: "07:00", timeZone: '"><script>' }, "timeZone"],
])("says beside the field what is wrong with %j", async (fields, wrong) => {
  const { browser } = await reader();

  const answer = await browser.post("/notifications/preferences", fields);

  expect(answer.statusCode).toBe(422);
  expect(answer.body).toContain(`<p class="problem" id="${wrong}-problem">`);
  expect(unescaped(answer)).toContain(`value="${fields.quietFrom}"`);
  expect(answer.body).not.toContain("<script");
});

test("stops the e-mails of one kind for whoever follows the link in one, signed in or not", async () => {
  const ada = await reader();
  const emails = String(await it.push.store.emails.unsubscribeToken(ada.userId));
  const kind = NotificationKind.NOTIFICATION_KIND_COMMENT_POSTED;
  const link = `/notifications/unsubscribe?${new URLSearchParams({ token: emails, kind: String(kind) })}`;

  const asked = await it.shop.inject(link);
  const oneClick = { "content-type": "multipart/form-data; boundary=x" };
  const done = await it.shop.inject({ method: "POST", url: link, headers: oneClick, payload: "--x--" });

  expect([asked.statusCode, asked.body.includes("Comments on your reviews")]).toEqual([200, true]);
  expect(asked.headers["cache-control"]).toBe("no-store");
  expect([done.statusCode, done.body.includes("No more of these e-mails")]).toEqual([200, true]);
  expect((await ada.browser.get("/notifications/preferences")).body).not.toMatch(
    new RegExp(`name="email-${kind}" value="on" checked`),
  );
  const wrong = await it.shop.inject({ method: "POST", url: link.replace(emails, "x") });
  expect([wrong.statusCode, wrong.body.includes("This link is not good any more")]).toEqual([404, true]);
  expect((await it.shop.inject(`${link}9`)).statusCode).toBe(400);
  expect(JSON.stringify([it.marketplace.logs.all, it.push.logs.all])).not.toContain(emails);
});

test("sells on while push is away, says that nothing is lost, and has browsers come back", async () => {
  await using own = await start();
  const ada = await reader(own);
  const open = await ada.listen();
  await open.hears(":\n\n");
  const ended = once(open.response, "end");
  own.push.server.forceShutdown();
  await ended;

  const paths = ["/", "/notifications", "/notifications/preferences"];
  const pages = await Promise.all(paths.map((path) => ada.browser.get(path)));
  const read = await ada.browser.post("/notifications/read", { ids: "1" });
  const stream = await ada.listen();

  expect(pages.map(({ statusCode }) => statusCode)).toEqual([200, 503, 503]);
  expect(pages[1]?.body).toContain("None is lost.");
  expect(read.statusCode).toBe(503);
  await once(stream.response, "end");
  expect(stream.text).toMatch(/^retry: 5000\n\n/);
});
