import { sql } from "kysely";
import { Status } from "nice-grpc";
import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import { databaseKind } from "../../test/support/database.ts";
import { testEvent } from "../../test/support/events.ts";
import { read, type StartedPush, startPush } from "../../test/support/service.ts";
import { orderPlaced } from "./testing-events.ts";

const NIGHT = { from: "22:00", to: "07:30", timeZone: "Europe/Vienna" };
const TABLES = [
  "notifications",
  "inboxes",
  "deliveries",
  "emails",
  "email_turns",
  "opt_outs",
  "preferences",
  "unsubscribe_tokens",
] as const;
const NOT_REGISTERED = { code: Status.NOT_FOUND, reason: "USER_NOT_REGISTERED" };
const deleted = (userId: string) => testEvent(UserDeleted, { userId }, { source: "register", subject: `users/${userId}` });

/** How many rows of a user each table has. */
async function rowsOf({ store }: StartedPush, userId: string): Promise<Record<string, number>> {
  const counts = TABLES.map(async (table) => {
    const rows = await store.db.selectFrom(table).select("user_id").where("user_id", "=", userId).execute();
    return [table, rows.length] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}

/** Gives a user one of everything. */
async function fill({ client, store, events }: StartedPush, userId: string): Promise<void> {
  await events.handle(orderPlaced(userId));
  await store.emails.takeTurn({ id: `of-${userId}`, userId, kind: "order-placed" }, { now: new Date(), limit: 1 });
  await client.updatePreferences({
    userId,
    preferences: { kinds: [{ kind: 2, web: true, email: false }], quietHours: NIGHT },
  });
  await store.emails.unsubscribeToken(userId);
}

const nothing = Object.fromEntries(TABLES.map((table) => [table, 0]));

test("forgets everything of a deleted user, and nothing of another", async () => {
  await using push = await startPush({ emails: true });
  for (const userId of ["ada", "grace"]) await fill(push, userId);
  const before = await rowsOf(push, "grace");
  expect(Object.values(before)).not.toContain(0);
  const token = String(await push.store.emails.unsubscribeToken("ada"));

  const event = deleted("ada");
  for (let time = 0; time < 3; time++) await push.events.handle(event);

  expect(await rowsOf(push, "ada")).toEqual(nothing);
  expect(await rowsOf(push, "grace")).toEqual(before);
  await expect(push.client.unsubscribe({ token, kind: 2 })).rejects.toMatchObject({ reason: "UNSUBSCRIBE_TOKEN_NOT_FOUND" });
});

test("finds what a deleted user has in each table without looking at everything", async () => {
  await using push = await startPush();
  const planFor = (table: string) =>
    push.store.db.transaction().execute(async (transaction) => {
      const deletion = sql`delete from ${sql.table(table)} where user_id = 'ada'`;
      if (databaseKind === "sqlite") return (await sql`explain query plan ${deletion}`.execute(transaction)).rows;
      // It would rather look at all of an empty table.
      await sql`set local enable_seqscan = off`.execute(transaction);
      return (await sql`explain ${deletion}`.execute(transaction)).rows;
    });

  for (const table of TABLES) {
    const plan = JSON.stringify([table, await planFor(table)]);
    expect(plan).toMatch(/SEARCH .* USING .*INDEX .*\(user_id=|Index Cond: \(+user_id\)?/);
  }
});

test("keeps nothing of a deleted user that comes later, by an event, a call or an e-mail in hand", async () => {
  // Register still knows the user, as far as push has asked.
  await using push = await startPush({ emails: true });
  await push.events.handle(deleted("ada"));

  await push.events.handle(orderPlaced("ada"));
  await expect(push.client.push({ userId: "ada", content: "hello" })).rejects.toMatchObject(NOT_REGISTERED);
  await expect(push.client.updatePreferences({ userId: "ada", preferences: { kinds: [] } })).rejects.toMatchObject(
    NOT_REGISTERED,
  );
  expect(await push.store.emails.unsubscribeToken("ada")).toBeUndefined();

  expect(await rowsOf(push, "ada")).toEqual(nothing);
});

test("leaves nothing of what comes in the moment of the deletion", async () => {
  await using push = await startPush({ emails: true });
  const telling = Array.from({ length: 20 }, () => [
    push.events.handle(orderPlaced("ada")),
    push.client.push({ userId: "ada", content: "hello" }).catch((error: unknown) => error),
  ]).flat();
  await Promise.race(telling);

  await push.events.handle(deleted("ada"));
  await Promise.all(telling);

  expect(await rowsOf(push, "ada")).toEqual(nothing);
});

test("ends the open streams of a deleted user, in every replica, and opens no more", async () => {
  await using here = await startPush();
  await using there = await startPush({ url: here.url });
  const open = async (push: StartedPush, userId: string) => {
    const stream = read(push.client.subscribe({ userId, afterNotificationId: 0n }));
    await stream.next();
    return stream;
  };
  await here.client.push({ userId: "ada", content: "hello" });
  await here.client.push({ userId: "grace", content: "hello" });
  await using ada = await open(here, "ada");
  await using adaThere = await open(there, "ada");
  await using grace = await open(here, "grace");
  await there.poll.look();

  await here.events.handle(deleted("ada"));
  for (const { poll } of [here, there]) await poll.look();

  await expect(ada.next()).rejects.toMatchObject(NOT_REGISTERED);
  await expect(adaThere.next()).rejects.toMatchObject(NOT_REGISTERED);
  await expect(open(there, "ada")).rejects.toMatchObject(NOT_REGISTERED);
  await here.client.push({ userId: "grace", content: "still there" });
  expect((await grace.next()).notification?.content).toBe("still there");
});

test("ends the stream of a deleted user who was never told anything", async () => {
  await using push = await startPush();
  await using stream = read(push.client.subscribe({ userId: "ada", afterNotificationId: 0n }));
  const next = expect(stream.next()).rejects.toMatchObject(NOT_REGISTERED);

  await push.events.handle(deleted("ada"));
  await push.poll.look();

  await next;
});
