import { isAbortError } from "abort-controller-x";
import { ClientError, createChannel, createClientFactory, Metadata, Status } from "nice-grpc";
import { EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { runInCall } from "../../runtime/call-context.ts";
import { startTrace } from "../../runtime/trace-context.ts";
import { dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, pathOf, rejection } from "../../test/support/four-kinds.ts";
import { listenOnWire } from "../../test/support/wire.ts";
import { deadline } from "./deadline.ts";

test.each(endings)("changes nothing about a $kind call that $ending in time", async ({ play, status }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy, { deadlineMs: 60_000 });

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status });
});

test.each(kinds)("sends the contract's default deadline with a %s call", async (kind) => {
  await using it = await clientOnWire();

  await rejection(call(it.client, kind, "hello"));

  expect(it.timeoutsSent()).toEqual([10_000]);
});

test.each(kinds)("sends the deadline that is asked for with a %s call", async (kind) => {
  await using it = await clientOnWire();

  await rejection(call(it.client, kind, "hello", { deadlineMs: 1_234.5 }));

  expect(it.timeoutsSent()).toEqual([1_234]);
});

test.each([
  ["for ever", Number.POSITIVE_INFINITY],
  ["longer than a timer can", 10_000_000_000],
])("waits for the longest time that can be sent when asked to wait %s", async (_name, deadlineMs) => {
  await using it = await clientOnWire();

  expect(await rejection(it.client.unary({ text: "hello" }, { deadlineMs }))).toMatchObject({ code: Status.UNAVAILABLE });

  expect(it.timeoutsSent()).toEqual([99_999_999]);
});

test("keeps the metadata of the call, and leaves the caller's object alone", async () => {
  await using it = await clientOnWire();
  const metadata = Metadata({ "x-request": "1" });

  await rejection(it.client.unary({ text: "hello" }, { metadata }));

  expect(it.wire.headers[0]).toMatchObject({ "x-request": "1" });
  expect(metadata.has("grpc-timeout")).toBe(false);
});

test.each(kinds)("gives a %s call up when its time is over, though the server is silent", async (kind) => {
  await using it = await clientOnWire(() => {});

  const error = await rejection(call(it.client, kind, "hello", { deadlineMs: 30 }));

  expect(error).toEqual(new ClientError(pathOf(kind), Status.DEADLINE_EXCEEDED, "deadline of 30 ms exceeded"));
});

test.each(kinds)("fails a %s call at once, and makes none, when no time is left", async (kind) => {
  await using it = await clientOnWire();
  const late = { path: "/somewhere/Else", trace: startTrace(), deadline: Date.now() - 1 };

  const error = await runInCall(late, () => rejection(call(it.client, kind, "hello")));

  expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
  expect(it.wire.headers).toEqual([]);
});

test.each([0, -1, Number.NaN])("makes no call with a deadline of %s", async (deadlineMs) => {
  await using it = await clientOnWire();

  expect(await rejection(it.client.unary({ text: "hello" }, { deadlineMs }))).toMatchObject({ code: Status.DEADLINE_EXCEEDED });

  expect(it.wire.headers).toEqual([]);
});

test("never waits longer than the call that it is part of", async () => {
  await using it = await clientOnWire();
  const outer = { path: "/somewhere/Else", trace: startTrace(), deadline: Date.now() + 2_000 };

  await runInCall(outer, () => rejection(it.client.unary({ text: "hello" }, { deadlineMs: 5_000 })));

  const [sent = 0] = it.timeoutsSent();
  expect(sent).toBeGreaterThan(1_000);
  expect(sent).toBeLessThanOrEqual(2_000);
});

test.each(kinds)("ends a %s call that its caller aborts with an AbortError", async (kind) => {
  const caller = new AbortController();
  await using it = await clientOnWire(() => caller.abort());

  const error = await rejection(call(it.client, kind, "hello", { signal: caller.signal }));

  expect(isAbortError(error)).toBe(true);
});

test("makes no call whose caller has already aborted it", async () => {
  await using it = await clientOnWire();

  const error = await rejection(it.client.unary({ text: "hello" }, { signal: AbortSignal.abort() }));

  expect(isAbortError(error)).toBe(true);
  expect(it.wire.headers).toEqual([]);
});

/** A client with this interceptor alone, and what it sends. */
async function clientOnWire(...answer: Parameters<typeof listenOnWire>) {
  const wire = await listenOnWire(...answer);
  const channel = createChannel(`127.0.0.1:${wire.port}`);
  return {
    wire,
    client: createClientFactory().use(deadline).create(EchoServiceDefinition, channel),
    timeoutsSent: () => wire.headers.map((headers) => Number(String(headers["grpc-timeout"]).replace(/m$/, ""))),
    async [Symbol.asyncDispose]() {
      channel.close();
      await wire[Symbol.asyncDispose]();
    },
  };
}
