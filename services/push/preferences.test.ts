import { Status } from "nice-grpc";
import { type KindPreference, NotificationKind, type Preferences } from "../../gen/bookstore/push/v1/push_service.ts";
import { startPush } from "../../test/support/service.ts";
import { commentPosted, orderPlaced, promotionReminded } from "./testing-events.ts";

const {
  NOTIFICATION_KIND_MESSAGE: MESSAGE,
  NOTIFICATION_KIND_ORDER_PLACED: ORDER_PLACED,
  NOTIFICATION_KIND_COMMENT_POSTED: COMMENT_POSTED,
  NOTIFICATION_KIND_PROMOTION_REMINDER: PROMOTION_REMINDER,
} = NotificationKind;
const BERLIN = { from: "22:00", to: "07:30", timeZone: "Europe/Berlin" };
const NO_PREFERENCES: Preferences = { kinds: [], quietHours: undefined };

function choice(kind: KindPreference["kind"], web: boolean, email: boolean): KindPreference {
  return { kind, web, email, webRequired: false };
}

test("tells of everything in every way whoever has said nothing", async () => {
  await using push = await startPush();

  const { preferences, emailAvailable } = await push.client.getPreferences({ userId: "a" });

  expect(emailAvailable).toBe(false);
  expect(preferences?.quietHours).toBeUndefined();
  expect(preferences?.kinds).toHaveLength(7);
  expect(preferences?.kinds.every(({ web, email }) => web && email)).toBe(true);
  expect(preferences?.kinds.filter(({ webRequired }) => webRequired).map(({ kind }) => kind)).toEqual([1, 2, 3, 4]);
});

test("says that e-mails are sent where there is a mail server", async () => {
  await using push = await startPush({ emails: true });

  expect((await push.client.getPreferences({ userId: "a" })).emailAvailable).toBe(true);
});

test("keeps what a user has said, for that user, until the user says something else", async () => {
  await using push = await startPush();
  const kinds = [choice(COMMENT_POSTED, false, true), choice(ORDER_PLACED, true, false)];

  const said = await push.client.updatePreferences({ userId: "a", preferences: { kinds, quietHours: BERLIN } });

  const { preferences } = await push.client.getPreferences({ userId: "a" });
  expect(preferences).toEqual(said.preferences);
  expect(preferences?.quietHours).toEqual(BERLIN);
  const off = preferences?.kinds.filter(({ web, email }) => !web || !email);
  expect(off).toEqual([
    { kind: ORDER_PLACED, web: true, email: false, webRequired: true },
    { kind: COMMENT_POSTED, web: false, email: true, webRequired: false },
  ]);
  const other = await push.client.getPreferences({ userId: "b" });
  expect(other.preferences?.kinds.every(({ web, email }) => web && email)).toBe(true);

  const cleared = await push.client.updatePreferences({ userId: "a", preferences: NO_PREFERENCES });
  expect(cleared.preferences?.quietHours).toBeUndefined();
  expect((await push.client.getPreferences({ userId: "a" })).preferences?.kinds).toEqual(other.preferences?.kinds);
});

test("keeps what was said last of what is said at once", async () => {
  await using push = await startPush();
  const update = (kind: KindPreference["kind"]) =>
    push.client.updatePreferences({ userId: "a", preferences: { kinds: [choice(kind, true, false)], quietHours: undefined } });

  await Promise.all([update(MESSAGE), update(ORDER_PLACED), update(COMMENT_POSTED), update(PROMOTION_REMINDER)]);

  const { preferences } = await push.client.getPreferences({ userId: "a" });
  expect(preferences?.kinds.filter(({ email }) => !email)).toHaveLength(1);
});

test("does not tell on the web of what a user has turned off there", async () => {
  await using push = await startPush({ emails: true });
  const kinds = [choice(COMMENT_POSTED, false, true), choice(PROMOTION_REMINDER, false, false)];
  await push.client.updatePreferences({ userId: "a", preferences: { kinds, quietHours: undefined } });

  for (const event of [commentPosted("a"), promotionReminded("a"), orderPlaced("a")]) await push.events.handle(event);

  const { notifications } = await push.client.listNotifications({ userId: "a" });
  expect(notifications.map(({ id, kind }) => ({ id, kind }))).toEqual([{ id: 1n, kind: ORDER_PLACED }]);
  const emails = await push.store.db.selectFrom("emails").select("kind").orderBy("kind").execute();
  expect(emails.map(({ kind }) => kind)).toEqual(["comment-posted", "order-placed"]);
});

test("marks as quiet what comes in the user's quiet hours, and keeps it all the same", async () => {
  let now = new Date("2026-11-21T20:59:00Z");
  await using push = await startPush({ now: () => now });
  await push.client.updatePreferences({ userId: "a", preferences: { kinds: [], quietHours: BERLIN } });

  await push.client.push({ userId: "a", content: "at one minute to ten in Berlin" });
  now = new Date("2026-11-21T21:00:00Z");
  await push.client.push({ userId: "a", content: "at ten" });
  await push.events.handle(orderPlaced("a"));
  now = new Date("2026-11-22T06:30:00Z");
  await push.client.push({ userId: "a", content: "at half past seven" });

  const { notifications, unreadCount } = await push.client.listNotifications({ userId: "a" });
  expect(notifications.map(({ quiet }) => quiet)).toEqual([false, true, true, false]);
  expect(unreadCount).toBe(4);
});

test.each([
  [
    "a kind twice",
    { kinds: [choice(COMMENT_POSTED, true, true), choice(COMMENT_POSTED, false, true)] },
    "preferences.kinds[1].kind",
  ],
  ["the web for orders", { kinds: [choice(ORDER_PLACED, false, true)] }, "preferences.kinds[0].web"],
  ["the web for messages", { kinds: [choice(MESSAGE, false, true)] }, "preferences.kinds[0].web"],
  ["no kind", { kinds: [choice(0, true, true)] }, "preferences.kinds[0].kind"],
  ["a kind that there is not", { kinds: [choice(99 as never, true, true)] }, "preferences.kinds[0].kind"],
  ["a town that is no time zone", { quietHours: { ...BERLIN, timeZone: "Berlin" } }, "preferences.quiet_hours.time_zone"],
  ["an offset for a time zone", { quietHours: { ...BERLIN, timeZone: "+01:00" } }, "preferences.quiet_hours.time_zone"],
  ["an hour that there is not", { quietHours: { ...BERLIN, from: "24:00" } }, "preferences.quiet_hours.from"],
  ["half a time", { quietHours: { ...BERLIN, to: "7" } }, "preferences.quiet_hours.to"],
  ["a whole day", { quietHours: { ...BERLIN, to: "22:00" } }, "preferences.quiet_hours.to"],
])("refuses %s, and keeps what there was", async (_what, wrong: Partial<Preferences>, field) => {
  await using push = await startPush();
  const before = { kinds: [choice(COMMENT_POSTED, false, false)], quietHours: BERLIN };
  const { preferences } = await push.client.updatePreferences({ userId: "a", preferences: before });

  await expect(
    push.client.updatePreferences({ userId: "a", preferences: { ...NO_PREFERENCES, ...wrong } }),
  ).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT, violations: [{ field }] });

  expect(await push.client.getPreferences({ userId: "a" })).toMatchObject({ preferences });
});

test("stops the e-mails of one kind for whoever holds the token, and nothing else", async () => {
  await using push = await startPush({ emails: true });
  const token = String(await push.store.emails.unsubscribeToken("a"));
  expect(await push.store.emails.unsubscribeToken("a")).toBe(token);
  expect(await push.store.emails.unsubscribeToken("b")).not.toBe(token);

  await push.client.unsubscribe({ token, kind: PROMOTION_REMINDER });
  await push.client.unsubscribe({ token, kind: PROMOTION_REMINDER });

  const off = async (userId: string) => {
    const { preferences } = await push.client.getPreferences({ userId });
    return preferences?.kinds.filter(({ web, email }) => !web || !email).map(({ kind, web }) => ({ kind, web }));
  };
  expect(await off("a")).toEqual([{ kind: PROMOTION_REMINDER, web: true }]);
  expect(await off("b")).toEqual([]);
});

test("refuses a token that is nobody's", async () => {
  await using push = await startPush();

  await expect(push.client.unsubscribe({ token: "x".repeat(43), kind: PROMOTION_REMINDER })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    reason: "UNSUBSCRIBE_TOKEN_NOT_FOUND",
  });
});

test("finds a message again by its key, when it is pushed a second time", async () => {
  await using push = await startPush({ emails: true });
  const message = { userId: "a", content: "one", idempotencyKey: "key" };

  const answers = await Promise.all([push.client.push(message), push.client.push(message)]);
  const later = await push.client.push({ ...message, content: "another text" });

  expect(answers[1]).toEqual(answers[0]);
  expect(later).toEqual(answers[0]);
  expect((await push.client.listNotifications({ userId: "a" })).notifications).toHaveLength(1);
  expect(await push.store.emails.count()).toBe(1);
  const others = [
    await push.client.push({ ...message, idempotencyKey: "another" }),
    await push.client.push({ ...message, userId: "b" }),
    await push.client.push({ ...message, idempotencyKey: "" }),
    await push.client.push({ ...message, idempotencyKey: "" }),
  ];
  expect(others.map(({ notification }) => Number(notification?.id))).toEqual([2, 1, 3, 4]);
});
