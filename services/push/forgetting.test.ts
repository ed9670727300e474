import { type StartedPush, startPush } from "../../test/support/service.ts";
import { forgetOld } from "./forgetting.ts";
import type { NotificationRow } from "./schema.ts";
import { paymentFailed } from "./testing-events.ts";

const DAY_MS = 86_400_000;
const START_MS = Date.parse("2026-11-21T12:00:00Z");

/** Push, by a clock that is set by hand. */
async function startClocked(notificationRetentionDays: number) {
  let nowMs = START_MS;
  const now = () => new Date(nowMs);
  const push = await startPush({ now });
  return {
    push,
    /** Lets days pass, then forgets. */
    pass(days: number) {
      nowMs += days * DAY_MS;
      return forgetOld({ store: push.store, eventRetentionDays: 30, notificationRetentionDays, now });
    },
    [Symbol.asyncDispose]: () => push[Symbol.asyncDispose](),
  };
}

function rows(userId: string, count: number): NotificationRow[] {
  return Array.from({ length: count }, (_, i) => ({
    ...{ user_id: userId, id: i + 1, kind: "message", title: "", content: "hello", language: "", created_at_ms: START_MS },
    ...{ is_read: 0, is_quiet: 0, order_id: "", book_id: 0, article_id: 0, comment_id: 0 },
  }));
}

async function idsOf({ client }: StartedPush, userId: string): Promise<bigint[]> {
  return (await client.listNotifications({ userId })).notifications.map(({ id }) => id);
}

test("forgets under which key it has delivered when no event comes again, and keeps the notification", async () => {
  await using clocked = await startClocked(365);
  const { push, pass } = clocked;
  const kept = async () => (await push.store.db.selectFrom("deliveries").selectAll().execute()).length;
  await push.events.handle(paymentFailed("a"));

  await pass(60);
  expect(await kept()).toBe(1);
  await pass(1);

  expect(await kept()).toBe(0);
  expect(await idsOf(push, "a")).toEqual([1n]);
});

test("forgets notifications of all users when they are old, and goes on counting", async () => {
  await using clocked = await startClocked(365);
  const { push, pass } = clocked;
  await push.client.push({ userId: "a", content: "old" });
  await push.client.push({ userId: "b", content: "old" });
  await pass(300);
  await push.client.push({ userId: "a", content: "young" });

  await pass(65);
  expect(await idsOf(push, "a")).toEqual([2n, 1n]);
  await pass(1);

  expect(await idsOf(push, "a")).toEqual([2n]);
  expect(await push.client.listNotifications({ userId: "b" })).toMatchObject({ notifications: [], unreadCount: 0 });
  expect((await push.client.push({ userId: "b", content: "new" })).notification?.id).toBe(2n);
});

test("forgets as many as there are, some at a time", async () => {
  await using clocked = await startClocked(365);
  const { store } = clocked.push;
  for (const userId of ["a", "b", "c", "d", "e"]) await store.db.insertInto("notifications").values(rows(userId, 500)).execute();

  await clocked.pass(366);

  expect(await store.db.selectFrom("notifications").select("id").execute()).toEqual([]);
});

test("keeps notifications for as long as a call may be repeated, and answers it with them", async () => {
  await using clocked = await startClocked(1);
  const { push, pass } = clocked;
  const call = { userId: "a", content: "hello", idempotencyKey: "once" };
  await push.client.push(call);

  await pass(60);
  expect((await push.client.push(call)).notification?.id).toBe(1n);
  await pass(1);

  expect(await idsOf(push, "a")).toEqual([]);
  expect((await push.client.push(call)).notification?.id).toBe(2n);
});
