import { Metadata } from "nice-grpc";
import { currentCall } from "../../runtime/call-context.ts";
import { dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, pathOf } from "../../test/support/four-kinds.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

test.each(endings)("gives every log line of a $kind call that $ending one trace and one span", async ({ play }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);

  const lines = await Promise.all(["handling", "handled", "call finished"].map((msg) => dummy.logs.find({ msg })));
  expect(new Set(lines.map((line) => line.trace_id)).size).toBe(1);
  expect(new Set(lines.map((line) => line.span_id)).size).toBe(1);
  expect(lines[0]?.trace_id).toMatch(/^[0-9a-f]{32}$/);
});

test.each(kinds)("continues the trace of the caller of a %s call", async (kind) => {
  const traces: unknown[] = [];
  await using dummy = await dummyClient({}, { inHandler: () => traces.push(currentCall()?.trace) });

  await call(dummy.plain, kind, "hello", { metadata: Metadata({ traceparent: PARENT }) });

  expect(traces).toEqual([{ traceId: TRACE_ID, parentSpanId: "00f067aa0ba902b7", spanId: expect.any(String), sampled: true }]);
});

test.each(kinds)("knows the call wherever the handler of a %s call is", async (kind) => {
  const paths: unknown[] = [];
  const later = async (text: string) => {
    await new Promise(setImmediate);
    paths.push(currentCall()?.path);
    return text;
  };
  await using dummy = await dummyClient({ later });

  await call(dummy.client, kind, { text: "later", copies: 2 });

  expect(new Set(paths)).toEqual(new Set([pathOf(kind)]));
});

test.each([
  ["none", {}],
  ["a malformed one", { traceparent: "00-nonsense" }],
])("starts a trace when the caller sends %s", async (_name, headers) => {
  const traces: unknown[] = [];
  await using dummy = await dummyClient({}, { inHandler: () => traces.push(currentCall()?.trace) });

  await call(dummy.plain, "unary", "hello", { metadata: Metadata(headers) });
  await call(dummy.plain, "unary", "hello", { metadata: Metadata(headers) });

  expect(traces).toMatchObject([{ parentSpanId: undefined }, { parentSpanId: undefined }]);
  expect(new Set(traces.map((trace) => (trace as { traceId: string }).traceId)).size).toBe(2);
});

test("passes the trace on from hop to hop", async () => {
  await using last = await dummyClient();
  await using first = await dummyClient({ ask: async () => (await call(last.client, "unary", "hello"))[0] ?? "" });

  await call(first.plain, "unary", "ask", { metadata: Metadata({ traceparent: PARENT }) });

  const [here, there] = await Promise.all([first, last].map(({ logs }) => logs.find({ msg: "call finished" })));
  expect(there?.trace_id).toBe(TRACE_ID);
  expect(there?.span_id).not.toBe(here?.span_id);
});

test("keeps calls that run at the same time apart", async () => {
  const traceIds = ["a", "b", "c"].map((digit) => digit.repeat(32));
  const seen = new Map<string, string | undefined>();
  const note = async (text: string) => {
    await new Promise(setImmediate);
    seen.set(text, currentCall()?.trace.traceId);
    return text;
  };
  await using dummy = await dummyClient(Object.fromEntries(traceIds.map((id) => [id, note])));

  await Promise.all(
    traceIds.map((id) => call(dummy.plain, "unary", id, { metadata: Metadata({ traceparent: `00-${id}-00f067aa0ba902b7-00` }) })),
  );

  expect([...seen].every(([sent, found]) => sent === found)).toBe(true);
  expect(seen.size).toBe(3);
});
