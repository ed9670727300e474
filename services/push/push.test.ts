import { createServer, type Socket } from "node:net";
import { Metadata, Status } from "nice-grpc";
import { registerClient } from "../../clients/register.ts";
import { NotificationKind } from "../../gen/bookstore/push/v1/push_service.ts";
import type { User } from "../../gen/bookstore/register/v1/register_service.ts";
import { createLogger } from "../../runtime/logger.ts";
import { CALLER_HEADER, openPlaintextChannel } from "../../test/support/plaintext.ts";
import { startPush, startRegister } from "../../test/support/service.ts";
import { findReader } from "./readers.ts";

const SECRET = "The stork has landed";

/** Register and push as they run together, and a user who reads Chinese. */
async function startBoth() {
  await using stack = new AsyncDisposableStack();
  const register = stack.use(await startRegister());
  const push = stack.use(await startPush({ findReader: findReader(register.client) }));
  const profile = { email: "li@example.com", name: "Li", language: "zh-CN", country: "CN" };
  const { user } = await register.client.register(profile);
  const owned = stack.move();
  return { register, push, user: user as User, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A client of register where nobody answers. */
function lostRegister(address: string) {
  const channel = openPlaintextChannel(address);
  const client = registerClient(channel, createLogger({ name: "test", level: "silent" }));
  return { findReader: findReader(client), [Symbol.dispose]: () => channel.close() };
}

test("pushes to a registered user in the user's language", async () => {
  await using both = await startBoth();
  const translations = new Map([
    ["de", "Hallo"],
    ["zh", "你好"],
  ]);

  const { notification } = await both.push.client.push({ userId: both.user.id, content: "Hello", translations });

  expect(notification).toEqual({
    ...{ id: 1n, userId: both.user.id, content: "你好", language: "zh", read: false },
    ...{ kind: NotificationKind.NOTIFICATION_KIND_MESSAGE, subject: undefined, title: "", quiet: false },
    createTime: expect.any(Date),
  });
  const { notifications } = await both.push.client.listNotifications({ userId: both.user.id });
  expect(notifications).toEqual([notification]);
});

test("pushes the text itself to a user whose language has no translation", async () => {
  await using both = await startBoth();

  const { notification } = await both.push.client.push({ userId: both.user.id, content: "Hello" });

  expect(notification).toMatchObject({ content: "Hello", language: "" });
});

test("asks the real register service, over gRPC and in one trace, who the user is", async () => {
  await using both = await startBoth();

  await both.push.client.push({ userId: both.user.id, content: "Hello" });

  const asked = await both.register.logs.find({ path: "/bookstore.register.v1.RegisterService/CheckRegistered", status: "OK" });
  const pushed = await both.push.logs.find({ path: "/bookstore.push.v1.PushService/Push", status: "OK" });
  expect(asked.trace_id).toBe(pushed.trace_id);
});

test("knows at once of a user who has registered or changed language since", async () => {
  await using both = await startBoth();
  await both.register.client.updateUser({ userId: both.user.id, language: "de" });

  const translations = new Map([["de", "Hallo"]]);
  const { notification } = await both.push.client.push({ userId: both.user.id, content: "Hello", translations });

  expect(notification?.content).toBe("Hallo");
});

test("refuses a user who is not registered, and says so in the log", async () => {
  await using both = await startBoth();

  await expect(both.push.client.push({ userId: "7000001", content: SECRET })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    details: "not registered.",
    reason: "USER_NOT_REGISTERED",
  });
  expect(both.push.logs.with({ msg: "User:7000001 not existed." })).toHaveLength(1);
  expect((await both.push.client.listNotifications({ userId: "7000001" })).notifications).toEqual([]);
});

test("logs the progress of a push with the user, language and country, and without the content", async () => {
  await using both = await startBoth();
  const translations = new Map([["zh", `${SECRET} 你好`]]);

  await both.push.client.push({ userId: both.user.id, content: SECRET, translations });

  const msg = `Push Progress: u_id: ${both.user.id}, language: zh-CN, country: CN, content: 23 characters`;
  expect(both.push.logs.with({ msg })).toHaveLength(1);
  const everything = JSON.stringify([...both.push.logs.all, ...both.register.logs.all]);
  expect(everything).not.toContain("stork");
  expect(everything).not.toContain("你好");
});

test("says UNAVAILABLE before the deadline and stores nothing when register is down", async () => {
  const { address, ...gone } = await startRegister();
  await gone[Symbol.asyncDispose]();
  using lost = lostRegister(address);
  await using push = await startPush(lost);

  await expect(push.client.push({ userId: "7000000", content: SECRET }, { deadlineMs: 4_000 })).rejects.toMatchObject({
    code: Status.UNAVAILABLE,
    details: "bookstore.register.v1.RegisterService did not answer",
  });
  expect((await push.client.listNotifications({ userId: "7000000" })).notifications).toEqual([]);
  expect(JSON.stringify(push.logs.all)).not.toContain("stork");
});

test("stops at the deadline and stores nothing when register hangs", async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => void sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  using _ = {
    [Symbol.dispose]() {
      silent.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  using lost = lostRegister(`127.0.0.1:${(silent.address() as { port: number }).port}`);
  await using push = await startPush(lost);

  await expect(push.client.push({ userId: "7000000", content: SECRET }, { deadlineMs: 100 })).rejects.toMatchObject({
    code: Status.DEADLINE_EXCEEDED,
  });
  expect((await push.client.listNotifications({ userId: "7000000" })).notifications).toEqual([]);
});

test("names every field of a push that is wrong", async () => {
  await using push = await startPush();
  const translations = new Map([
    ["not a tag", "x"],
    ["de", ""],
  ]);

  await expect(push.client.push({ translations })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [
      { field: "user_id", description: "is required" },
      { field: "content", description: "is required" },
      { field: "translations[0].key", description: expect.stringMatching(/^must match /) },
      { field: "translations[1].value", description: "must not be empty" },
    ],
  });
});

test("takes the longest text there may be, and no longer one", async () => {
  await using push = await startPush();
  const content = "😀".repeat(4_000);

  await expect(push.client.push({ userId: "1", content })).resolves.toMatchObject({ notification: { content } });
  await expect(push.client.push({ userId: "1", content: `${content}!` })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
  });
});

test.each(["orders", "reviews"])("pushes nothing for %s, which tells of what happens by events", async (caller) => {
  await using push = await startPush();

  await expect(
    push.client.push({ userId: "1", content: "Hello" }, { metadata: new Metadata({ [CALLER_HEADER]: caller }) }),
  ).rejects.toMatchObject({ code: Status.PERMISSION_DENIED });
});
