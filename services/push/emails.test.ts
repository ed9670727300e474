import { Registry } from "prom-client";
import { createLogger } from "../../runtime/logger.ts";
import { foreignCertificate } from "../../test/support/foreign-certificates.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { startPush } from "../../test/support/service.ts";
import { EmailQueue } from "./email-queue.ts";
import type { Addressee } from "./email-text.ts";
import { openSmtp } from "./smtp.ts";
import { readSmtpUrl } from "./smtp-url.ts";
import { orderPlaced, promotionReminded } from "./testing-events.ts";
import { type MailServerOptions, startMailServer, type TestMailServer } from "./testing-smtp.ts";

const FROM = { name: "Bücher & Co.", address: "shop@books.example" };
const JUERGEN: Addressee = { name: "Jürgen Größe", email: "juergen@example.com", language: "zh-CN", country: "CN" };
const MINUTE_MS = 60_000;

interface QueueOptions {
  url: string;
  publicUrl?: string;
  addressee?: Addressee | undefined;
  ca?: string;
}

/** Push, and what sends its e-mails by a clock that is set by hand. */
async function startEmails(options: QueueOptions) {
  await using stack = new AsyncDisposableStack();
  let nowMs = Date.parse("2026-11-21T12:00:00Z");
  const now = () => new Date(nowMs);
  const { addressee = JUERGEN, publicUrl, ca } = options;
  let known: Addressee | undefined = addressee;
  let away = false;
  const findReader = async () => {
    if (away) throw new Error("register is away");
    return known;
  };
  const push = stack.use(await startPush({ emails: true, now, findReader }));
  const server = readSmtpUrl(options.url);
  if (typeof server === "string") throw new Error(server);
  const logs = new LogLines();
  const opened: { close(): void }[] = [];
  stack.defer(() => {
    for (const smtp of opened) smtp.close();
  });
  const sender = (more: Partial<ConstructorParameters<typeof EmailQueue>[0]> = {}) => {
    const smtp = openSmtp(server, { connections: 2, ...(ca !== undefined && { tls: { ca, host: "localhost" } }) });
    opened.push(smtp);
    const metrics = new Registry();
    const logger = createLogger({ name: "test", level: "debug", destination: logs });
    const { emails: store, preferences } = push.store;
    const queue = new EmailQueue({
      ...{ store, preferences, from: FROM, publicUrl, findAddressee: findReader, send: smtp.send, now, logger, metrics },
      ...more,
    });
    return { look: () => queue.look(), metrics };
  };
  const first = sender();
  const owned = stack.move();
  return {
    ...{ push, logs, sender, look: first.look },
    waiting: () => push.store.emails.count(),
    async outcomes() {
      const metric = await first.metrics.getSingleMetric("bookmesh_emails_total")?.get();
      return Object.fromEntries(metric?.values.map(({ labels, value }) => [labels.outcome, value]) ?? []);
    },
    /** Lets time pass, then looks for what is due. */
    async pass(ms: number) {
      nowMs += ms;
      await first.look();
    },
    setAway: (value: boolean) => {
      away = value;
    },
    forgetUser: () => {
      known = undefined;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function plain(server: TestMailServer): string {
  return `smtp://127.0.0.1:${server.port}?tls=never`;
}

test("an e-mail in Chinese arrives as it was written, with umlauts in the names and in both of its forms", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server), publicUrl: "https://books.example/shop" });

  await emails.push.events.handle(orderPlaced("a"));
  await emails.look();

  const [mail] = server.mails;
  expect(server.mails).toHaveLength(1);
  expect(mail).toMatchObject({ from: FROM.address, to: [JUERGEN.email] });
  expect(Object.fromEntries(mail?.headers ?? [])).toMatchObject({
    subject: "您的订单已提交",
    from: "Bücher & Co. <shop@books.example>",
    to: "Jürgen Größe <juergen@example.com>",
    "message-id": expect.stringMatching(/^<[0-9a-f-]{36}@books\.example>$/),
    "content-language": "zh",
    "auto-submitted": "auto-generated",
    date: "Sat, 21 Nov 2026 12:00:00 +0000",
  });
  const content = "谢谢惠顾！您于2026年11月21日订购了2本书：《Dune》。我们已收到您支付的US$19.98。";
  const text = mail?.parts.get("text/plain");
  expect(text).toContain("Jürgen Größe，您好：");
  expect(text).toContain(content);
  expect(text).toContain("在书店中查看: https://books.example/shop/notifications\n");
  const html = mail?.parts.get("text/html");
  expect(html).toContain('<html lang="zh">');
  expect(html).toContain(`<p>${content}</p>`);
  expect(await emails.waiting()).toBe(0);
  expect(await emails.outcomes()).toEqual({ sent: 1 });
});

test("an e-mail says how to stop those of its kind, with one click", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server), publicUrl: "https://books.example" });
  await emails.push.events.handle(promotionReminded("a"));
  await emails.look();

  const headers = server.mails[0]?.headers;
  expect(headers?.get("list-unsubscribe-post")).toBe("List-Unsubscribe=One-Click");
  const link = new URL(/^<(.*)>$/.exec(headers?.get("list-unsubscribe") ?? "")?.[1] ?? "");
  expect(link.origin + link.pathname).toBe("https://books.example/notifications/unsubscribe");
  const token = link.searchParams.get("token") ?? "";
  await emails.push.client.unsubscribe({ token, kind: Number(link.searchParams.get("kind")) as never });

  await emails.push.events.handle(promotionReminded("a"));
  await emails.push.events.handle(orderPlaced("a"));
  await emails.look();

  expect(server.mails.map(({ headers }) => headers.get("subject"))).toEqual(["买二赠一", "您的订单已提交"]);
});

test("without a shop on the web an e-mail has no links, and unsubscribes by e-mail", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });

  await emails.push.client.push({ userId: "a", content: "Hello\n<b>you</b>" });
  await emails.look();

  const [mail] = server.mails;
  expect(mail?.headers.get("list-unsubscribe")).toBe("<mailto:shop@books.example?subject=unsubscribe>");
  expect(mail?.headers.get("subject")).toBe("来自书店的消息");
  expect(mail?.raw).not.toContain("http");
  expect(mail?.parts.get("text/html")).toContain("<p>Hello</p><p>&#60;b&#62;you&#60;/b&#62;</p>");
});

test("no name and no title begins another header, and no address another e-mail", async () => {
  await using server = await startMailServer();
  const name = 'Eve\r\nBcc: all@example.com\u2028X: y" <b@example.com>,';
  await using emails = await startEmails({ url: plain(server), addressee: { ...JUERGEN, name, language: "en" } });

  await emails.push.events.handle(
    orderPlaced("a", { books: [{ bookId: 1, title: "A\r\nBcc: b@example.com", quantity: 1, unitPrice: undefined }] }),
  );
  await emails.look();

  const [mail] = server.mails;
  expect(mail?.to).toEqual([JUERGEN.email]);
  expect([...(mail?.headers.keys() ?? [])].sort()).toEqual([
    "auto-submitted",
    "content-language",
    "content-type",
    "date",
    "from",
    "list-unsubscribe",
    "message-id",
    "mime-version",
    "subject",
    "to",
  ]);
  expect(mail?.headers.get("to")).toMatch(/ <juergen@example\.com>$/);
});

test.each([
  "a@example.com, b@example.com",
  "a@example.com\r\nRCPT TO:<b@example.com>",
  "a@example.com> BODY=8BITMIME <b@x",
  "",
  "@",
  "a b@example.com",
])("an address that is none gets no e-mail: %j", async (email) => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server), addressee: { ...JUERGEN, email } });
  await emails.push.events.handle(orderPlaced("a"));

  await emails.look();

  expect(server.mails).toEqual([]);
  expect(await emails.waiting()).toBe(0);
  expect(await emails.outcomes()).toEqual({ refused: 1 });
});

test.each([
  ["the address", "address"],
  ["the e-mail", "mail"],
] as const)("tries again later when the server takes %s not now, and longer after each time", async (_what, step) => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  server.refusals[step].push("451 try again", "452 try again");
  await emails.push.events.handle(orderPlaced("a"));

  await emails.look();
  await emails.pass(29_000);
  expect(server.refusals[step]).toHaveLength(1);
  await emails.pass(1_000);
  expect(server.refusals[step]).toEqual([]);
  await emails.pass(59_000);
  expect(server.mails).toEqual([]);
  await emails.pass(1_000);

  expect(server.mails).toHaveLength(1);
  expect(await emails.outcomes()).toEqual({ postponed: 2, sent: 1 });
  await emails.pass(24 * 60 * MINUTE_MS);
  expect(server.mails).toHaveLength(1);
});

test("gives an e-mail up that the server will never take, and goes on with the others", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  server.refusals.address.push("550 <juergen@example.com>: no such user");
  for (let i = 0; i < 7; i++) await emails.push.events.handle(orderPlaced("a"));

  await emails.look();

  expect(server.mails).toHaveLength(6);
  expect(await emails.waiting()).toBe(0);
  expect(await emails.outcomes()).toEqual({ refused: 1, sent: 6 });
  expect(emails.logs.with({ msg: "an e-mail is given up" })).toMatchObject([
    { reason: "EENVELOPE RCPT TO 550", kind: "order-placed" },
  ]);
});

test("keeps e-mails while the server does not take the shop for one who may send", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  server.refusals.sender.push("550 not you");
  await emails.push.events.handle(orderPlaced("a"));

  await emails.look();
  expect(await emails.waiting()).toBe(1);
  await emails.pass(MINUTE_MS);

  expect(server.mails).toHaveLength(1);
});

test("keeps e-mails while there is no server, and sends each once when there is", async () => {
  const { port, ...gone } = await startMailServer();
  await gone[Symbol.asyncDispose]();
  await using emails = await startEmails({ url: `smtp://127.0.0.1:${port}?tls=never` });
  for (let i = 0; i < 12; i++) await emails.push.events.handle(orderPlaced("a"));

  await emails.look();
  await emails.pass(MINUTE_MS);
  expect(await emails.waiting()).toBe(12);
  await using server = await startMailServer({ port });
  await emails.pass(10 * MINUTE_MS);

  expect(server.mails).toHaveLength(12);
  expect(new Set(server.mails.map(({ headers }) => headers.get("message-id"))).size).toBe(12);
  expect(await emails.waiting()).toBe(0);
});

test("sends under the same Message-ID again what was sent and not noted, and only when the claim has run out", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  const { store } = emails.push;
  const remove = () => Promise.reject(new Error("the process was killed"));
  const killed = emails.sender({ store: { ...store.emails, remove } });
  await emails.push.events.handle(orderPlaced("a"));
  await expect(killed.look()).rejects.toThrow("the process was killed");
  expect(server.mails).toHaveLength(1);

  await emails.pass(2 * MINUTE_MS);
  expect(server.mails).toHaveLength(1);
  await emails.pass(2 * MINUTE_MS);

  expect(server.mails).toHaveLength(2);
  const [first, second] = server.mails.map(({ headers }) => headers.get("message-id"));
  expect(second).toBe(first);
  expect(await emails.waiting()).toBe(0);
});

test("sends each e-mail once when two replicas look at the same time", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  for (let i = 0; i < 20; i++) await emails.push.events.handle(orderPlaced("a"));

  const other = emails.sender();
  await Promise.all([emails.look(), other.look()]);

  expect(server.mails).toHaveLength(20);
  expect(new Set(server.mails.map(({ headers }) => headers.get("message-id"))).size).toBe(20);
});

test("waits for register, which alone knows the address", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  await emails.push.events.handle(orderPlaced("a"));
  emails.setAway(true);
  await emails.look();
  expect(await emails.outcomes()).toEqual({ away: 1 });

  emails.setAway(false);
  await emails.pass(MINUTE_MS);

  expect(server.mails).toHaveLength(1);
});

test("sends nothing to a user who has been deleted since", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  await emails.push.events.handle(orderPlaced("a"));
  emails.forgetUser();

  await emails.look();

  expect(server.mails).toEqual([]);
  expect(await emails.waiting()).toBe(0);
});

test("sends e-mails when the quiet hours are over", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  const quietHours = { from: "12:00", to: "14:00", timeZone: "UTC" };
  await emails.push.client.updatePreferences({ userId: "a", preferences: { kinds: [], quietHours } });
  await emails.push.events.handle(orderPlaced("a"));

  await emails.look();
  await emails.pass(119 * MINUTE_MS);
  expect(server.mails).toEqual([]);
  await emails.pass(MINUTE_MS);

  expect(server.mails).toHaveLength(1);
});

test("gives up what could not be sent for three days", async () => {
  const { port, ...gone } = await startMailServer();
  await gone[Symbol.asyncDispose]();
  await using emails = await startEmails({ url: `smtp://127.0.0.1:${port}?tls=never` });
  await emails.push.events.handle(orderPlaced("a"));

  for (let hour = 0; hour < 75; hour++) await emails.pass(60 * MINUTE_MS);

  expect(await emails.waiting()).toBe(0);
  expect(await emails.outcomes()).toMatchObject({ expired: 1 });
});

test("no address, name or text is in the log, whatever the server says", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  server.refusals.address.push("550 <juergen@example.com>: unknown", "451 <juergen@example.com>: Jürgen is out");
  for (let i = 0; i < 3; i++) await emails.push.client.push({ userId: "a", content: "The stork has landed" });

  await emails.look();

  const everything = JSON.stringify([...emails.logs.all, ...emails.push.logs.all]);
  expect(everything).toContain("given up");
  expect(everything).not.toMatch(/juergen|Jürgen|stork/);
});

async function certificate(): Promise<{ key: string; cert: string; options: MailServerOptions }> {
  const { certificatePem: cert, keyPem: key } = await foreignCertificate({ subject: "localhost" });
  return { key, cert, options: { certificate: { key, cert } } };
}

test("goes over to TLS before it says who it is", async () => {
  const { cert, options } = await certificate();
  await using server = await startMailServer({ ...options, user: { name: "shop@books.example", password: "p@ss:w/rd" } });
  const user = `${encodeURIComponent("shop@books.example")}:${encodeURIComponent("p@ss:w/rd")}`;
  await using emails = await startEmails({ url: `smtp://${user}@localhost:${server.port}`, ca: cert });
  await emails.push.events.handle(orderPlaced("a"));

  await emails.look();

  expect(server.sessions).toEqual([{ secure: true, user: "shop@books.example" }]);
});

test("sends nothing to a server without TLS, to one whom nobody vouches for, or where the password is wrong", async () => {
  const { cert, options } = await certificate();
  await using bare = await startMailServer();
  await using other = await startMailServer({ ...options, user: { name: "shop", password: "right" } });
  const urls = [
    { url: `smtp://localhost:${bare.port}` },
    { url: `smtp://localhost:${other.port}` },
    { url: `smtp://shop:wrong@localhost:${other.port}`, ca: cert },
  ];
  for (const where of urls) {
    await using emails = await startEmails(where);
    await emails.push.events.handle(orderPlaced("a"));

    await emails.look();

    expect(await emails.outcomes()).toEqual({ away: 1 });
    expect(await emails.waiting()).toBe(1);
    expect(JSON.stringify(emails.logs.all)).not.toContain("wrong");
  }
  expect([...bare.mails, ...other.mails]).toEqual([]);
});
