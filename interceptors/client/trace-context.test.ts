import { createChannel, createClientFactory, Metadata } from "nice-grpc";
import { EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { runInCall } from "../../runtime/call-context.ts";
import { continueTrace } from "../../runtime/trace-context.ts";
import { dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, rejection } from "../../test/support/four-kinds.ts";
import { listenOnWire } from "../../test/support/wire.ts";
import { traceContext } from "./trace-context.ts";

test.each(endings)("gives a $kind call that $ending the trace of the call that it is part of", async ({ play }) => {
  await using dummy = await dummyClient(endingCases);
  const outer = { path: "/somewhere/Else", trace: continueTrace(undefined), deadline: Date.now() + 60_000 };

  await runInCall(outer, () => play(dummy));

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ trace_id: outer.trace.traceId });
});

test.each(kinds)("sends the trace of the current call with a %s call", async (kind) => {
  await using it = await clientOnWire();
  const trace = continueTrace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

  await runInCall({ path: "/somewhere/Else", trace, deadline: Number.POSITIVE_INFINITY }, () =>
    rejection(call(it.client, kind, "hello")),
  );

  expect(it.wire.headers[0]?.traceparent).toBe(`00-${trace.traceId}-${trace.spanId}-01`);
});

test.each(kinds)("starts a trace for a %s call that is part of none", async (kind) => {
  await using it = await clientOnWire();

  await rejection(call(it.client, kind, "hello"));
  await rejection(call(it.client, kind, "hello"));

  const [first, second] = it.wire.headers.map(({ traceparent }) => traceparent);
  expect(first).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(second).not.toBe(first);
});

test("keeps the metadata of the call", async () => {
  await using it = await clientOnWire();

  await rejection(it.client.unary({ text: "hello" }, { metadata: Metadata({ "x-request": "1" }) }));

  expect(it.wire.headers[0]).toMatchObject({ "x-request": "1" });
});

/** A client with this interceptor alone, and what it sends. */
async function clientOnWire() {
  const wire = await listenOnWire();
  const channel = createChannel(`127.0.0.1:${wire.port}`);
  return {
    wire,
    client: createClientFactory().use(traceContext).create(EchoServiceDefinition, channel),
    async [Symbol.asyncDispose]() {
      channel.close();
      await wire[Symbol.asyncDispose]();
    },
  };
}
