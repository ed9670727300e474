import { Status } from "nice-grpc";
import type { PushClient } from "../../clients/push.ts";
import { encodePageToken } from "../../runtime/page-token.ts";
import { startPush } from "../../test/support/service.ts";

const NOT_FOUND = { code: Status.NOT_FOUND, details: "no such notification", reason: "NOTIFICATION_NOT_FOUND" };

async function pushMany(client: PushClient, userId: string, count: number): Promise<void> {
  for (let i = 1; i <= count; i++) await client.push({ userId, content: `number ${i}` });
}

/** The ids on each page. */
async function pages(client: PushClient, request: { userId: string; pageSize: number; unreadOnly?: boolean }) {
  const found: number[][] = [];
  let pageToken = "";
  do {
    const page = await client.listNotifications({ ...request, pageToken });
    found.push(page.notifications.map(({ id }) => Number(id)));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
}

test("lists nothing for a user who has got nothing", async () => {
  await using push = await startPush();

  await expect(push.client.listNotifications({ userId: "a" })).resolves.toEqual({
    notifications: [],
    nextPageToken: "",
    unreadCount: 0,
  });
});

test("lists the newest first, page by page", async () => {
  await using push = await startPush();
  await pushMany(push.client, "a", 7);

  expect(await pages(push.client, { userId: "a", pageSize: 3 })).toEqual([[7, 6, 5], [4, 3, 2], [1]]);
  expect(await pages(push.client, { userId: "a", pageSize: 7 })).toEqual([[7, 6, 5, 4, 3, 2, 1]]);
});

test("puts 20 on a page when the size is not said", async () => {
  await using push = await startPush();
  await pushMany(push.client, "a", 21);

  expect((await pages(push.client, { userId: "a", pageSize: 0 })).map((page) => page.length)).toEqual([20, 1]);
});

test("keeps its place on a page while new ones come", async () => {
  await using push = await startPush();
  await pushMany(push.client, "a", 4);
  const { nextPageToken } = await push.client.listNotifications({ userId: "a", pageSize: 2 });

  await pushMany(push.client, "a", 3);

  const next = await push.client.listNotifications({ userId: "a", pageSize: 2, pageToken: nextPageToken });
  expect(next.notifications.map(({ id }) => Number(id))).toEqual([2, 1]);
});

test("marks as read, counts what is left, and lists only that when asked to", async () => {
  await using push = await startPush();
  await pushMany(push.client, "a", 5);

  const { unreadCount } = await push.client.markRead({ userId: "a", notificationIds: [2n, 4n, 4n] });

  expect(unreadCount).toBe(3);
  expect(await pages(push.client, { userId: "a", pageSize: 2, unreadOnly: true })).toEqual([[5, 3], [1]]);
  const all = await push.client.listNotifications({ userId: "a" });
  expect(all.notifications.map(({ read }) => read)).toEqual([false, true, false, true, false]);
  expect(all.unreadCount).toBe(3);
});

test("marks as read what is read already", async () => {
  await using push = await startPush();
  await pushMany(push.client, "a", 2);
  await push.client.markRead({ userId: "a", notificationIds: [1n] });

  await expect(push.client.markRead({ userId: "a", notificationIds: [1n, 2n] })).resolves.toEqual({ unreadCount: 0 });
});

test("marks none when one of them is not there", async () => {
  await using push = await startPush();
  await pushMany(push.client, "a", 2);

  await expect(push.client.markRead({ userId: "a", notificationIds: [1n, 2n, 3n] })).rejects.toMatchObject(NOT_FOUND);
  expect((await push.client.listNotifications({ userId: "a" })).unreadCount).toBe(2);
});

test("keeps users apart", async () => {
  await using push = await startPush();
  await pushMany(push.client, "a", 3);
  await push.client.push({ userId: "b", content: "for b alone" });

  // Ids count up for each user, so both have a 1.
  await push.client.markRead({ userId: "a", notificationIds: [1n] });

  expect(await push.client.listNotifications({ userId: "b" })).toMatchObject({
    notifications: [{ id: 1n, userId: "b", content: "for b alone", read: false }],
    unreadCount: 1,
  });
  expect(JSON.stringify((await push.client.listNotifications({ userId: "a" })).notifications, big)).not.toContain("for b");
  await expect(push.client.markRead({ userId: "b", notificationIds: [3n] })).rejects.toMatchObject(NOT_FOUND);
  expect((await push.client.listNotifications({ userId: "a" })).unreadCount).toBe(2);
  expect((await push.client.listNotifications({ userId: "%" })).notifications).toEqual([]);
});

test.each([
  ["another user", encodePageToken([3], { userId: "b", unreadOnly: false })],
  ["another filter", encodePageToken([3], { userId: "a", unreadOnly: true })],
  ["another method", encodePageToken([3], "users")],
  ["another shape", encodePageToken([3, 4], { userId: "a", unreadOnly: false })],
  ["half an id", encodePageToken([0.5], { userId: "a", unreadOnly: false })],
  ["an id beyond all ids", encodePageToken([1e300], { userId: "a", unreadOnly: false })],
  ["no token", "3 OR 1=1"],
])("refuses a page token of %s", async (_what, pageToken) => {
  await using push = await startPush();
  await pushMany(push.client, "a", 1);

  await expect(push.client.listNotifications({ userId: "a", pageToken })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "page_token" }],
  });
});

test.each([
  ["none", [], "notification_ids", "is required"],
  ["more than 100", Array.from({ length: 101 }, (_, i) => BigInt(i + 1)), "notification_ids", "must have at most 100 items"],
  ["zero", [1n, 0n], "notification_ids[1]", "must be 1 to 9007199254740991"],
])("refuses to mark %s as read", async (_what, notificationIds, field, description) => {
  await using push = await startPush();

  await expect(push.client.markRead({ userId: "a", notificationIds })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field, description }],
  });
});

function big(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}
