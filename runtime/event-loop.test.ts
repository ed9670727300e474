import { setImmediate } from "node:timers/promises";
import { LogLines } from "../test/support/log-lines.ts";
import { watchEventLoop } from "./event-loop.ts";
import { createLogger } from "./logger.ts";

test("says that the event loop was blocked, and for how long", async () => {
  const logs = new LogLines();
  const stop = watchEventLoop(createLogger({ name: "test", level: "info", destination: logs }));
  const warning = logs.find({ msg: "the event loop was blocked" });
  let warned = false;
  void warning.then(() => {
    warned = true;
  });

  while (!warned) {
    const blockedUntil = performance.now() + 300;
    while (performance.now() < blockedUntil);
    await setImmediate();
  }

  const line = await warning;
  expect(line.level).toBe(40);
  expect(Number(line.blockedMs)).toBeGreaterThanOrEqual(250);
  stop();
});
