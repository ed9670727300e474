import { registerClient } from "../../clients/register.ts";
import { NotificationKind } from "../../gen/bookstore/push/v1/push_service.ts";
import type { User } from "../../gen/bookstore/register/v1/register_service.ts";
import { Failure } from "../../runtime/errors.ts";
import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../../test/support/database.ts";
import { openPlaintextChannel } from "../../test/support/plaintext.ts";
import { read, startPush, startRegister } from "../../test/support/service.ts";
import type { Reader } from "./notification.ts";
import { findReader } from "./readers.ts";
import { commentPosted, orderCancelled, orderPlaced, paymentFailed, promotionReminded } from "./testing-events.ts";

const {
  NOTIFICATION_KIND_ORDER_PLACED: ORDER_PLACED,
  NOTIFICATION_KIND_ORDER_CANCELLED: ORDER_CANCELLED,
  NOTIFICATION_KIND_PAYMENT_FAILED: PAYMENT_FAILED,
  NOTIFICATION_KIND_COMMENT_POSTED: COMMENT_POSTED,
  NOTIFICATION_KIND_COMMENT_ANSWERED: COMMENT_ANSWERED,
  NOTIFICATION_KIND_PROMOTION_REMINDER: PROMOTION_REMINDER,
} = NotificationKind;
const NO_SUBJECT = { orderId: "", bookId: 0, articleId: 0n, commentId: 0n };
const ORDER = { ...NO_SUBJECT, orderId: "order-1" };

type Push = Awaited<ReturnType<typeof startPush>>;

async function inboxOf(push: Push, userId: string) {
  return (await push.client.listNotifications({ userId })).notifications;
}

/** Register and push as they run together, and a user who reads Chinese. */
async function startBoth() {
  await using stack = new AsyncDisposableStack();
  const register = stack.use(await startRegister());
  const push = stack.use(await startPush({ findReader: findReader(register.client) }));
  const profile = { email: "li@example.com", name: "李", language: "zh-CN", country: "CN" };
  const { user } = await register.client.register(profile);
  const owned = stack.move();
  return { register, push, user: user as User, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test("tells a buyer in China of the order in Chinese, as register knows the buyer", async () => {
  await using both = await startBoth();

  await both.push.events.handle(orderPlaced(both.user.id));

  expect(await inboxOf(both.push, both.user.id)).toEqual([
    {
      ...{ id: 1n, userId: both.user.id, language: "zh", title: "您的订单已提交", read: false, quiet: false },
      content: "谢谢惠顾！您于2026年11月21日订购了2本书：《Dune》。我们已收到您支付的US$19.98。",
      ...{ kind: ORDER_PLACED, subject: ORDER, createTime: expect.any(Date) },
    },
  ]);
});

test.each([
  ["order placed", orderPlaced, ORDER_PLACED, ORDER, "Your order is placed"],
  ["order cancelled", orderCancelled, ORDER_CANCELLED, ORDER, "Your order is cancelled"],
  ["payment failed", paymentFailed, PAYMENT_FAILED, ORDER, "Your payment did not go through"],
  ["promotion reminder", promotionReminded, PROMOTION_REMINDER, undefined, "Buy two, get one free"],
  ["comment on an article", commentPosted, COMMENT_POSTED, { ...NO_SUBJECT, articleId: 5n, commentId: 7n }, "A new comment"],
  [
    "comment on a review",
    (userId: string) => commentPosted(userId, { articleId: 0n, bookId: 42 }),
    COMMENT_POSTED,
    { ...NO_SUBJECT, bookId: 42, commentId: 7n },
    "A new comment",
  ],
  [
    "answer",
    (userId: string) => commentPosted(userId, { articleId: 0n, bookId: 42, parentCommentId: 3n }),
    COMMENT_ANSWERED,
    { ...NO_SUBJECT, bookId: 42, commentId: 7n },
    "An answer to your comment",
  ],
])("tells a user of one %s, of its kind and of what it is about", async (_what, happen, kind, subject, title) => {
  await using push = await startPush();
  await using stream = read(push.client.subscribe({ userId: "a" }));
  const next = stream.next();

  await push.events.handle(happen("a"));
  await push.poll.look();

  const { notification } = await next;
  expect(notification).toMatchObject({ userId: "a", kind, title, language: "en", read: false });
  expect(notification?.subject).toEqual(subject);
  expect(await inboxOf(push, "a")).toEqual([notification]);
});

test("names who has commented, where register knows", async () => {
  await using both = await startBoth();
  const { user } = await both.register.client.register({ email: "jo@example.com", name: "Jörg", language: "de", country: "DE" });

  await both.push.events.handle(commentPosted(`${user?.id}`, { userId: both.user.id, content: "Schön!" }));
  await both.push.events.handle(commentPosted(`${user?.id}`, { userId: "7999999", content: "Ach." }));

  expect((await inboxOf(both.push, `${user?.id}`)).map(({ content }) => content)).toEqual([
    "Jemand hat Ihren Artikel kommentiert: „Ach.“",
    "李 hat Ihren Artikel kommentiert: „Schön!“",
  ]);
});

test("does not tell others the e-mail address that somebody has given as a name", async () => {
  const readers: Record<string, Reader> = {
    author: { language: "en", country: "" },
    commenter: { name: "li@example.com", language: "en", country: "" },
  };
  await using push = await startPush({ findReader: async (userId) => readers[userId] });

  await push.events.handle(commentPosted("author"));

  expect((await inboxOf(push, "author")).map(({ content }) => content)).toEqual([
    "li has commented on your article: “Well said!”",
  ]);
});

test("does an event that comes twice once, also when it is no longer known to have been handled", async () => {
  await using push = await startPush({ emails: true });
  const event = orderPlaced("a");

  await Promise.all([push.events.handle(event), push.events.handle(event)]);
  await push.events.handle(event);
  await push.store.db.deleteFrom("event_inbox").execute();
  await push.events.handle(event);

  expect(await inboxOf(push, "a")).toHaveLength(1);
  expect(await push.store.emails.count()).toBe(1);
});

test("does an event once that two replicas are handed", async () => {
  await using first = await startPush();
  await using second = await startPush({ url: first.url });
  const events = Array.from({ length: 5 }, () => orderPlaced("a"));

  for (const event of events) await first.events.handle(event);
  for (const event of events) await second.events.handle(event);

  expect((await inboxOf(first, "a")).map(({ id }) => Number(id))).toEqual([5, 4, 3, 2, 1]);
});

test("waits for register while that is away, and then tells the user once", async () => {
  const asked: string[] = [];
  let away = 3;
  const reader: Reader = { language: "zh", country: "CN" };
  await using push = await startPush({
    async findReader(userId) {
      asked.push(userId);
      if (away-- > 0) throw new Failure("unavailable", "register did not answer");
      return reader;
    },
  });

  await push.events.handle(orderPlaced("a"));

  expect(asked).toHaveLength(4);
  expect((await inboxOf(push, "a")).map(({ title }) => title)).toEqual(["您的订单已提交"]);
  expect(await push.events.setAside.count()).toBe(0);
});

test("tells a user once when the real register comes back, and not before", async () => {
  await using database = await testDatabase();
  const { port, address, client, ...first } = await startRegister({ url: database.url });
  const profile = { email: "li@example.com", name: "李", language: "zh-CN", country: "CN" };
  const { user } = await client.register(profile);
  await first[Symbol.asyncDispose]();
  const channel = openPlaintextChannel(address);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => channel.close());
  const ask = registerClient(channel, createLogger({ name: "test", level: "silent" }));
  const push = stack.use(await startPush({ findReader: findReader(ask) }));
  const userId = `${user?.id}`;

  const handled = push.events.handle(orderPlaced(userId));
  await push.logs.find({ msg: "an event waits for what is away" });
  expect(await inboxOf(push, userId)).toEqual([]);
  stack.use(await startRegister({ url: database.url, port }));
  await handled;

  expect((await inboxOf(push, userId)).map(({ title }) => title)).toEqual(["您的订单已提交"]);
  expect(await push.events.setAside.count()).toBe(0);
});

test("passes over what concerns nobody who is registered, and says so in the log", async () => {
  await using push = await startPush({
    findReader: async (userId) => (userId === "a" ? { language: "", country: "" } : undefined),
  });

  await push.events.handle(orderPlaced("b"));
  await push.events.handle(orderPlaced(""));
  await push.events.handle(orderPlaced("a"));

  expect(push.logs.with({ msg: "not registered" })).toHaveLength(2);
  expect(push.logs.with({ msg: "User:b not existed." })).toHaveLength(1);
  expect(await push.events.setAside.count()).toBe(0);
  expect(await inboxOf(push, "a")).toHaveLength(1);
});

test("does not tell authors of what they have written themselves", async () => {
  await using push = await startPush();

  await push.events.handle(commentPosted("a", { userId: "a" }));

  expect(await inboxOf(push, "a")).toEqual([]);
});

test("logs whom a comment is pushed to and the result, and nothing of what was written", async () => {
  await using push = await startPush({
    findReader: async (userId) => (userId === "b" ? undefined : { language: "en", country: "GB", name: "Storck" }),
  });

  await push.events.handle(commentPosted("a", { content: "The stork has landed" }));
  await push.events.handle(commentPosted("b", { content: "The stork has landed" }));

  const lines = push.logs.all.map(({ msg }) => msg);
  expect(lines).toEqual(
    expect.arrayContaining([
      "Push Message: article_u_id: a",
      expect.stringMatching(/^Push Progress: u_id: a, language: en, country: GB, content: \d+ characters$/),
      "push result: true, message: push success.",
      "Push Message: article_u_id: b",
      "push result: false, message: not registered.",
    ]),
  );
  expect(JSON.stringify(push.logs.all)).not.toMatch(/stork|Storck/);
});

test("makes no e-mails where there is no mail server", async () => {
  await using push = await startPush();

  await push.events.handle(orderPlaced("a"));

  expect(await push.store.emails.count()).toBe(0);
});
