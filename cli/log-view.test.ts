import { finished } from "node:stream/promises";
import { collect } from "./fixtures/lines.ts";
import { createLogView, type LogFormat, wantsColour } from "./log-view.ts";

function view(format: LogFormat, colour = false) {
  const stdout = collect();
  const stderr = collect();
  const logView = createLogView({ format, colour, names: ["push", "marketplace"], stdout: stdout.stream, stderr: stderr.stream });
  return { logView, stdout, stderr };
}

test("puts the name of the service before each line, in columns", async () => {
  const { logView, stdout, stderr } = view("pretty");
  const push = logView.outputOf("push");
  const marketplace = logView.outputOf("marketplace");

  push.stdout.end("one\ntwo\n");
  await finished(push.stdout);
  marketplace.stdout.end("three\n");
  marketplace.stderr.end("four\n");
  await Promise.all([finished(marketplace.stdout), finished(marketplace.stderr)]);

  expect(stdout.text()).toBe("push         one\npush         two\nmarketplace  three\n");
  expect(stderr.text()).toBe("marketplace  four\n");
});

test("puts lines together that arrive in pieces, and ends the last one", async () => {
  const { logView, stdout } = view("json");
  const { stdout: output } = logView.outputOf("push");
  const [first, second] = [Buffer.from("Ämter\nda").subarray(0, 1), Buffer.from("Ämter\nda").subarray(1)];

  output.write(first);
  output.write(second);
  output.end("s Ende");
  await finished(output);

  expect(stdout.text()).toBe("Ämter\ndas Ende\n");
});

test("passes lines on untouched as JSON, its own among them", async () => {
  const { logView, stdout } = view("json");
  const { stdout: output } = logView.outputOf("push");

  output.end('{"level":30,"msg":"x"}\n');
  await finished(output);
  logView.announce("ready", { durationMs: 5 }, "text for people");

  const [line, own] = stdout.text().trim().split("\n");
  expect(line).toBe('{"level":30,"msg":"x"}');
  expect(JSON.parse(own ?? "")).toMatchObject({ name: "bookmesh", durationMs: 5, msg: "ready" });
});

test("shows people the text that is for them", () => {
  const { logView, stdout } = view("pretty");

  logView.announce("ready", { durationMs: 5 }, "text for people\n");

  expect(stdout.text()).toBe("text for people\n");
});

test("gives each service a colour of its own", async () => {
  const { logView, stdout } = view("pretty", true);
  for (const name of ["push", "marketplace"]) {
    const { stdout: output } = logView.outputOf(name);
    output.end("x\n");
    await finished(output);
  }

  expect(stdout.text()).toBe("\u001b[36mpush       \u001b[39m  x\n\u001b[35mmarketplace\u001b[39m  x\n");
});

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: "1" }, true, false],
  [{ NO_COLOR: "" }, true, true],
  [{ FORCE_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "0" }, true, false],
  [{ FORCE_COLOR: "1", NO_COLOR: "1" }, false, true],
  [{ TERM: "dumb" }, true, false],
])("with %j on a terminal (%s) it writes in colour: %s", (env, isTerminal, expected) => {
  expect(wantsColour(env, isTerminal)).toBe(expected);
});
