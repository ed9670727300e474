import { lineRenderer } from "./line-render.ts";

const render = lineRenderer({ colour: false, dim: (text) => text });
const TIME = new Date(2026, 10, 21, 9, 5, 3).toISOString();

function line(fields: object): string {
  return JSON.stringify({ level: 30, time: TIME, pid: 1, hostname: "host", name: "push", ...fields });
}

test("shows the time of day, the message and its fields", () => {
  expect(render(line({ port: 50054, host: "::1", reason: "two words", msg: "listening" }))).toBe(
    '09:05:03 listening  port=50054 host=::1 reason="two words"',
  );
});

test("shows a finished call in a few words", () => {
  const call = {
    path: "/push.v1.PushService/Push",
    status: "OK",
    durationMs: 1.23456,
    peer: "127.0.0.1:9",
    trace_id: "a",
    span_id: "b",
  };

  expect(render(line({ ...call, msg: "call finished" }))).toBe("09:05:03 push.v1.PushService/Push OK 1.2 ms");
});

test("shows the level and the trace of trouble", () => {
  expect(render(line({ level: 40, trace_id: "4bf9", span_id: "b", msg: "store lost" }))).toBe(
    "09:05:03 WARN: store lost  trace_id=4bf9",
  );
});

test("shows the stack of an error", () => {
  const err = { type: "Error", message: "no store", stack: "Error: no store\n    at open (store.ts:1:1)" };

  const text = render(line({ level: 50, err, msg: "could not start" }));

  expect(text).toMatch(/^09:05:03 ERROR: could not start\n/);
  expect(text).toContain("at open (store.ts:1:1)");
});

test.each(["listening on 5000", "{ not: JSON", '{"json":"but no log line"}', ""])("leaves %j as it is", (text) => {
  expect(render(text)).toBe(text);
});

test("does not let what is logged steer the terminal", () => {
  const text = render(line({ path: "/\u001b[2J", msg: "\u001b]0;title\u0007" }));

  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about.
  expect(text).not.toMatch(/[\u0000-\u001f]/);
});
