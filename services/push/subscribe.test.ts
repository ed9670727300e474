import { Status } from "nice-grpc";
import type { PushClient } from "../../clients/push.ts";
import type { SubscribeResponse } from "../../gen/bookstore/push/v1/push_service.ts";
import { type Reader, read, startPush } from "../../test/support/service.ts";

function subscribe(client: PushClient, userId: string, afterNotificationId = 0n): Reader<SubscribeResponse> {
  return read(client.subscribe({ userId, afterNotificationId }));
}

/** The contents of the next notifications of a stream. */
async function next(stream: Reader<SubscribeResponse>, count: number): Promise<(string | undefined)[]> {
  const contents: (string | undefined)[] = [];
  for (let i = 0; i < count; i++) contents.push((await stream.next()).notification?.content);
  return contents;
}

async function pushAll(client: PushClient, userId: string, contents: string[]): Promise<void> {
  for (const content of contents) await client.push({ userId, content });
}

test("sends what there is, oldest first, and goes on with what comes", async () => {
  await using push = await startPush();
  await pushAll(push.client, "a", ["one", "two"]);

  await using stream = subscribe(push.client, "a");
  expect(await next(stream, 2)).toEqual(["one", "two"]);
  await pushAll(push.client, "a", ["three"]);
  expect(await next(stream, 1)).toEqual(["three"]);
  await pushAll(push.client, "a", ["four", "five"]);
  expect(await next(stream, 2)).toEqual(["four", "five"]);
});

test("resumes behind the id that the reader has", async () => {
  await using push = await startPush();
  await pushAll(push.client, "a", ["one", "two", "three"]);

  await using stream = subscribe(push.client, "a", 2n);

  expect(await next(stream, 1)).toEqual(["three"]);
  await pushAll(push.client, "a", ["four"]);
  expect(await next(stream, 1)).toEqual(["four"]);
});

test("sends more than one batch of what there is", async () => {
  await using push = await startPush();
  const contents = Array.from({ length: 250 }, (_, i) => `number ${i}`);
  for (const content of contents) await push.store.append("a", { content, language: "" }, new Date());

  await using stream = subscribe(push.client, "a");
  expect(await next(stream, 250)).toEqual(contents);
});

test("sends a user nothing that is for another", async () => {
  await using push = await startPush();
  await using a = subscribe(push.client, "a");
  await using b = subscribe(push.client, "b");

  await pushAll(push.client, "b", ["for b 1", "for b 2"]);
  await pushAll(push.client, "a", ["for a"]);

  expect(await next(a, 1)).toEqual(["for a"]);
  expect(await next(b, 2)).toEqual(["for b 1", "for b 2"]);
});

test("tells every subscriber of a user", async () => {
  await using push = await startPush();
  await using stack = new AsyncDisposableStack();
  const streams = Array.from({ length: 5 }, () => stack.use(subscribe(push.client, "a")));
  await pushAll(push.client, "a", ["first"]);
  for (const stream of streams) await next(stream, 1);

  await pushAll(push.client, "a", ["for all"]);

  expect(await Promise.all(streams.map((stream) => next(stream, 1)))).toEqual(Array.from({ length: 5 }, () => ["for all"]));
});

test("ends the stream with UNAVAILABLE when the server stops, and the reader resumes elsewhere", async () => {
  await using push = await startPush();
  await using other = await startPush({ url: push.url });
  await pushAll(push.client, "a", ["one"]);
  await using stream = subscribe(push.client, "a");
  await next(stream, 1);
  const ending = expect(stream.next()).rejects.toMatchObject({
    code: Status.UNAVAILABLE,
    details: "the server is shutting down",
  });

  await push.server.drain();

  await ending;
  await pushAll(other.client, "a", ["two"]);
  await using resumed = subscribe(other.client, "a", 1n);
  expect(await next(resumed, 1)).toEqual(["two"]);
});

test("forgets a subscriber who leaves", async () => {
  await using push = await startPush();
  await pushAll(push.client, "a", ["one"]);

  for await (const _ of push.client.subscribe({ userId: "a" })) break;
  await push.logs.find({ msg: "call finished", path: "/bookstore.push.v1.PushService/Subscribe", status: "CANCELLED" });

  // Nothing holds the stop up.
  await push.server.drain();
  expect(push.server.forceShutdown()).toEqual([]);
});

test("refuses to resume from an id that no notification has", async () => {
  await using push = await startPush();

  await expect(subscribe(push.client, "a", -1n).next()).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "after_notification_id" }],
  });
});
