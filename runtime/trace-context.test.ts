import { continueTrace, startTrace, traceparentOf } from "./trace-context.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

test("continues the trace of a caller with a span of its own", () => {
  const trace = continueTrace(PARENT);

  expect(trace).toMatchObject({
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    parentSpanId: "00f067aa0ba902b7",
    sampled: true,
  });
  expect(trace.spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(trace.spanId).not.toBe(trace.parentSpanId);
});

test.each([
  ["no header", undefined],
  ["an empty header", ""],
  ["a forbidden version", PARENT.replace(/^00/, "ff")],
  ["upper case digits", PARENT.toUpperCase()],
  ["a trace id of zeros", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`],
  ["a span id of zeros", `00-4bf92f3577b34da6a3ce929d0e0e4736-${"0".repeat(16)}-01`],
  ["more than version 00 has", `${PARENT}-more`],
])("starts a new trace for %s", (_name, header) => {
  const trace = continueTrace(header);

  expect(trace.parentSpanId).toBeUndefined();
  expect(trace.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(trace.traceId).not.toBe("4bf92f3577b34da6a3ce929d0e0e4736");
});

test("understands a later version that has more fields", () => {
  expect(continueTrace(`${PARENT.replace(/^00/, "01")}-more`).traceId).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
});

test("writes a header that it reads again as the same trace", () => {
  const trace = startTrace();

  expect(continueTrace(traceparentOf(trace))).toMatchObject({
    traceId: trace.traceId,
    parentSpanId: trace.spanId,
    sampled: false,
  });
});

test("gives a thousand spans a thousand ids", () => {
  const ids = new Set(Array.from({ length: 1_000 }, () => startTrace().spanId));

  expect(ids.size).toBe(1_000);
});
