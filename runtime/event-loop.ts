import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Logger } from "./logger.ts";

const LOOK_EVERY_MS = 1_000;
/** Every caller waits while the loop is blocked: longer than this and people notice. */
const BLOCKED_MS = 200;

/**
 * Writes a warning when something has blocked the event loop, so that no call
 * of the process moved on meanwhile.
 *
 * @returns stops it.
 */
export function watchEventLoop(logger: Logger): () => void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const timer = setInterval(() => {
    const blockedMs = Math.round(delay.max / 1_000_000);
    delay.reset();
    if (blockedMs > BLOCKED_MS) logger.warn({ blockedMs }, "the event loop was blocked");
  }, LOOK_EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    delay.disable();
  };
}
