import { LogLines } from "../test/support/log-lines.ts";
import { runInCall } from "./call-context.ts";
import { createLogger, type LoggerOptions } from "./logger.ts";
import { startTrace } from "./trace-context.ts";

const CALL = { path: "/somewhere/Else", trace: startTrace(), deadline: Number.POSITIVE_INFINITY };

test("writes one JSON object a line, with the name of the service and the time", () => {
  const { logger, logs } = loggerAt("info");

  logger.info({ port: 50_051 }, "listening");

  expect(logs.all).toMatchObject([
    { name: "orders", level: 30, port: 50_051, msg: "listening", time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) },
  ]);
});

test("marks every line that is written for a call with the trace and span of that call", async () => {
  const { logger, logs } = loggerAt("info");

  await runInCall(CALL, async () => {
    logger.info("at once");
    await new Promise(setImmediate);
    logger.child({ table: "orders" }).warn("later, by a child");
  });

  const marks = { trace_id: CALL.trace.traceId, span_id: CALL.trace.spanId };
  expect(logs.all).toMatchObject([marks, { ...marks, table: "orders" }]);
});

test("marks no line that is written for no call", () => {
  const { logger, logs } = loggerAt("info");

  logger.info("outside");

  expect(logs.all[0]).not.toHaveProperty("trace_id");
});

test("writes nothing below its level", () => {
  const { logger, logs } = loggerAt("warn");

  logger.info("not this");
  logger.warn("this");

  expect(logs.all.map(({ msg }) => msg)).toEqual(["this"]);
});

test("writes an error with its type, its stack and its cause", () => {
  const { logger, logs } = loggerAt("info");

  logger.error({ err: new TypeError("outer", { cause: new Error("inner") }) }, "failed");

  expect(logs.all[0]).toMatchObject({ err: { type: "TypeError", stack: expect.stringContaining("inner") } });
});

function loggerAt(level: LoggerOptions["level"]) {
  const logs = new LogLines();
  return { logs, logger: createLogger({ name: "orders", level, destination: logs }) };
}
