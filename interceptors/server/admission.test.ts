import { connect, constants } from "node:http2";
import { createClient, Metadata, Status } from "nice-grpc";
import { EchoRequest } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { ServerReflectionDefinition } from "../../gen/grpc/reflection/v1/reflection.ts";
import { HealthDefinition, HealthCheckResponse_ServingStatus as Serving } from "../../gen/health/v1/health.ts";
import { type Dummy, dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, type Kind, kinds, pathOf, rejection } from "../../test/support/four-kinds.ts";
import { CALLER_HEADER } from "../../test/support/plaintext.ts";
import { frame } from "../../test/support/raw-call.ts";
import { admission } from "./admission.ts";
import type { ServerCall } from "./server-call.ts";

const ROOM_FOR_ONE = { maxCallsInFlight: 1, maxOpenStreams: 1 };

test.each(endings)("gives the place of a $kind call that $ending to the next", async ({ play, kind }) => {
  await using dummy = await dummyClient(endingCases, ROOM_FOR_ONE);

  await play(dummy);
  await dummy.logs.find({ msg: "handled" });

  await expect(call(dummy.client, kind, "hello")).resolves.toEqual(["hello"]);
});

test.each(kinds)("refuses a %s call over the limit and says when to come again", async (kind) => {
  await using dummy = await dummyClient(endingCases, ROOM_FOR_ONE);
  await using _ = await occupied(dummy, kind);

  const error = await rejection(call(dummy.client, kind, "hello"));

  expect(error).toMatchObject({
    code: Status.RESOURCE_EXHAUSTED,
    details: "too many calls in flight",
    reason: "OVERLOADED",
    retryAfterMs: 250,
  });
  expect(dummy.logs.with({ msg: "handling" })).toHaveLength(1);
});

test.each(kinds)("counts a %s call until its handler has returned, though its caller has left", async (kind) => {
  const work = Promise.withResolvers<string>();
  await using dummy = await dummyClient({ stubborn: () => work.promise }, ROOM_FOR_ONE);
  const caller = new AbortController();
  const left = rejection(call(dummy.client, kind, "stubborn", { signal: caller.signal }));
  await dummy.logs.find({ msg: "handling" });
  caller.abort();
  await left;
  await dummy.logs.find({ msg: "call finished", status: "CANCELLED" });

  await expect(call(dummy.client, kind, "hello")).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  work.resolve("done");
  await dummy.logs.find({ msg: "handled" });

  await expect(call(dummy.client, kind, "hello")).resolves.toEqual(["hello"]);
});

test.each(kinds)("counts a %s call until its answer is read, though its deadline has passed", async (kind) => {
  await using dummy = await dummyClient({}, ROOM_FOR_ONE);
  const session = connect(`http://127.0.0.1:${dummy.port}`, { settings: { initialWindowSize: 0 } });
  const headers = { ":method": "POST", ":path": pathOf(kind), "content-type": "application/grpc", "grpc-timeout": "50m" };
  const stream = session.request(headers).on("error", () => {});
  stream.end(frame(EchoRequest.encode(EchoRequest.fromPartial({ text: "hello" })).finish()));
  await dummy.logs.find({ msg: "call finished", status: "DEADLINE_EXCEEDED" });

  await expect(call(dummy.client, kind, "hello")).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  stream.close(constants.NGHTTP2_CANCEL);
  await new Promise((resolve) => session.ping(resolve));

  await expect(call(dummy.client, kind, "hello")).resolves.toEqual(["hello"]);
  session.destroy();
});

test.each(kinds)("counts a %s call no more once its request was refused", async (kind) => {
  await using dummy = await dummyClient({}, ROOM_FOR_ONE);

  await expect(call(dummy.client, kind, { copies: -1 })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });

  await expect(call(dummy.client, kind, "hello")).resolves.toEqual(["hello"]);
});

test("counts streams and unary calls apart", async () => {
  await using dummy = await dummyClient(endingCases, ROOM_FOR_ONE);
  await using _ = await occupied(dummy, "serverStreaming");

  await expect(call(dummy.client, "unary", "hello")).resolves.toEqual(["hello"]);
  await expect(call(dummy.client, "bidiStreaming", "hello")).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
});

test("admits as many calls as the limit says", async () => {
  await using dummy = await dummyClient(endingCases, { maxCallsInFlight: 3 });
  await using _ = await occupied(dummy, "unary");
  await using __ = await occupied(dummy, "unary");

  await expect(call(dummy.client, "unary", "hello")).resolves.toEqual(["hello"]);
});

test.each(["unary", "bidiStreaming"] as const)(
  "lets others make %s calls while one caller has taken all there is",
  async (kind) => {
    await using dummy = await dummyClient(endingCases, { maxCallsInFlight: 16, maxOpenStreams: 16 });
    await using held = new AsyncDisposableStack();
    for (let i = 0; i < 16; i++) held.use(await occupied(dummy, kind));
    const as = (caller: string) => ({ metadata: new Metadata().set(CALLER_HEADER, caller) });
    const overloaded = { code: Status.RESOURCE_EXHAUSTED, reason: "OVERLOADED" };

    await expect(call(dummy.client, kind, "hello")).rejects.toMatchObject(overloaded);
    await expect(call(dummy.client, kind, "hello", as("orders"))).resolves.toEqual(["hello"]);

    for (const caller of ["orders", "orders"]) held.use(await occupied(dummy, kind, as(caller)));
    await expect(call(dummy.client, kind, "hello", as("orders"))).rejects.toMatchObject(overloaded);
    for (const caller of ["reviews", "reviews"]) held.use(await occupied(dummy, kind, as(caller)));
    await expect(call(dummy.client, kind, "hello", as("push"))).rejects.toMatchObject(overloaded);
  },
);

test.each([
  { what: "checks", kind: "unary", service: "grpc.health.v1.Health", most: 250 },
  { what: "watches of health", kind: "server_streaming", service: "grpc.health.v1.Health", most: 100 },
  { what: "streams of reflection", kind: "bidi_streaming", service: "grpc.reflection.v1.ServerReflection", most: 100 },
  {
    what: "streams of xDS",
    kind: "bidi_streaming",
    service: "envoy.service.discovery.v3.AggregatedDiscoveryService",
    most: 3_000,
  },
])("takes so many $what from one caller at once, whatever else there is", ({ kind, service, most }) => {
  const { start, settle } = admission({ maxCallsInFlight: 0, maxOpenStreams: 0 });
  const callOf = (caller: object) => ({ ...caller, contract: { infrastructure: true, kind, service } }) as unknown as ServerCall;
  const orders = callOf({ caller: { trustDomain: "bookmesh.local", name: "orders" } });
  for (let i = 0; i < most; i++) start?.(orders);

  expect(() => start?.(orders)).toThrow(expect.objectContaining({ kind: "exhausted", reason: "OVERLOADED" }));
  for (let i = 0; i < most; i++) start?.(callOf({ peer: `10.0.0.1:${i}` }));
  expect(() => start?.(callOf({ peer: "10.0.0.1:8000" }))).toThrow(expect.objectContaining({ reason: "OVERLOADED" }));
  expect(() => start?.(callOf({ peer: "10.0.0.2:8000" }))).not.toThrow();

  settle?.(orders);
  expect(() => start?.(orders)).not.toThrow();
});

test("refuses no health checks and reflection because of other calls", async () => {
  await using dummy = await dummyClient(endingCases, ROOM_FOR_ONE);
  await using _ = await occupied(dummy, "unary");
  await using __ = await occupied(dummy, "serverStreaming");

  const health = createClient(HealthDefinition, dummy.channel);
  expect(await health.check({ service: "" })).toEqual({ status: Serving.SERVING });
  const watch = health.watch({ service: "" })[Symbol.asyncIterator]();
  expect(await watch.next()).toEqual({ done: false, value: { status: Serving.SERVING } });
  await watch.return?.();
  const reflection = createClient(ServerReflectionDefinition, dummy.channel);
  const questions = async function* () {
    yield { messageRequest: { $case: "listServices" as const, value: "" } };
  };
  const answers = await Array.fromAsync(reflection.serverReflectionInfo(questions()));
  expect(answers.map(({ messageResponse }) => messageResponse?.$case)).toEqual(["listServicesResponse"]);
});

/** Keeps one place taken for as long as it is bound. */
async function occupied(dummy: Dummy, kind: Kind, options: { metadata?: Metadata } = {}): Promise<AsyncDisposable> {
  const caller = new AbortController();
  const handling = dummy.logs.with({ msg: "handling" }).length;
  const held = rejection(call(dummy.client, kind, "hang", { ...options, signal: caller.signal }));
  while (dummy.logs.with({ msg: "handling" }).length === handling) await new Promise(setImmediate);
  return {
    async [Symbol.asyncDispose]() {
      caller.abort();
      await held;
    },
  };
}
