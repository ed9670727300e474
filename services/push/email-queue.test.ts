import { fork } from "node:child_process";
import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Registry } from "prom-client";
import { createLogger } from "../../runtime/logger.ts";
import { startPush } from "../../test/support/service.ts";
import { EmailQueue } from "./email-queue.ts";
import type { Email } from "./email-store.ts";
import { FROM, JUERGEN, MINUTE_MS, plain, startEmails } from "./testing-emails.ts";
import { commentPosted, orderPlaced } from "./testing-events.ts";
import { startMailServer } from "./testing-smtp.ts";

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
  for (let i = 0; i < 10; i++) await emails.push.events.handle(orderPlaced("a"));

  await emails.look();
  await emails.pass(MINUTE_MS);
  expect(await emails.waiting()).toBe(10);
  await using server = await startMailServer({ port });
  await emails.pass(10 * MINUTE_MS);

  expect(server.mails).toHaveLength(10);
  expect(new Set(server.mails.map(({ headers }) => headers.get("message-id"))).size).toBe(10);
  expect(await emails.waiting()).toBe(0);
});

test("sends under the same Message-ID again what a killed process has sent and not noted, when its claim has run out", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  await emails.push.events.handle(orderPlaced("a"));
  const module = fileURLToPath(new URL("./testing-killed.ts", import.meta.url));
  const killed = fork(module, [emails.push.url, plain(server), emails.now().toISOString()], { execArgv: [] });
  const [, signal] = await once(killed, "exit");
  expect(signal).toBe("SIGKILL");
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
  for (let i = 0; i < 20; i++) await emails.push.events.handle(orderPlaced(`user-${i % 2}`));

  const other = emails.sender();
  await Promise.all([emails.look(), other.look()]);

  expect(server.mails).toHaveLength(20);
  expect(new Set(server.mails.map(({ headers }) => headers.get("message-id"))).size).toBe(20);
});

test("sends ten e-mails of a kind to a user within an hour, in all replicas, and leaves the rest to the web", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  const comment = async (count: number) => {
    for (let i = 0; i < count; i++) await emails.push.events.handle(commentPosted("author"));
  };
  await comment(8);
  await emails.look();
  await comment(8);
  await emails.push.events.handle(commentPosted("another author"));
  await emails.push.events.handle(commentPosted("author", { parentCommentId: 3n }));

  await emails.pass(59 * MINUTE_MS);
  const other = emails.sender();
  await Promise.all([emails.look(), other.look()]);

  expect(server.mails).toHaveLength(10 + 2);
  expect(emails.logs.with({ msg: "an e-mail is left out: too many of its kind within an hour" })).toHaveLength(6);
  expect(await emails.waiting()).toBe(0);
  const { unreadCount } = await emails.push.client.listNotifications({ userId: "author" });
  expect(unreadCount).toBe(17);

  // The first eight were sent an hour ago, the other two were not.
  await comment(9);
  await emails.pass(MINUTE_MS);
  expect(server.mails).toHaveLength(12 + 8);
});

test("does not count e-mails that could not be sent", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  for (let i = 0; i < 10; i++) {
    server.refusals.address.push("451 try again");
    await emails.push.events.handle(commentPosted("a"));
  }
  await emails.look();
  expect(await emails.outcomes()).toEqual({ postponed: 10 });

  await emails.push.events.handle(commentPosted("a"));
  await emails.look();

  expect(server.mails).toHaveLength(1);
});

test("has done with all e-mails in hand when a look is over, also when the store failed with one", async () => {
  await using push = await startPush({ emails: true });
  for (let i = 0; i < 2; i++) await push.events.handle(orderPlaced("a"));
  const { emails, preferences } = push.store;
  const [order, away] = [[] as string[], Promise.withResolvers<void>()];
  const failing = {
    ...emails,
    async remove(email: Email) {
      if (order.push("removed") > 1) return emails.remove(email);
      away.resolve();
      throw new Error("the store is away");
    },
  };
  let sending = 0;
  const queue = new EmailQueue({
    ...{ store: failing, preferences, now: () => new Date(), publicUrl: undefined, findAddressee: async () => JUERGEN },
    ...{ from: FROM, logger: createLogger({ name: "test", level: "silent" }), metrics: new Registry() },
    async send() {
      if (++sending === 1) return;
      await away.promise;
      // Long enough for all that does not wait for this.
      for (let i = 0; i < 100; i++) await nextTurn();
      order.push("sent slowly");
    },
  });

  await expect(queue.look()).rejects.toThrow("the store is away");

  expect(order).toEqual(["removed", "sent slowly", "removed"]);
  expect(await emails.count()).toBe(1);
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
