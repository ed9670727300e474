import type { Time } from "./event-processor.ts";
import { longestDelayMs, retryDelayMs } from "./retry-delay.ts";

/** Who has worked for as long as this is well: what ends it then is another matter than what ended it before. */
const ENOUGH_MS = 200;

/**
 * Does something that lasts until it fails, again and again with backoff, until it returns or the signal aborts.
 *
 * @param options.attempt calls `begun` when it works. What failed before is over once it has worked for 200 ms, or for as long
 *   as the wait that would come next: what fails as soon as it works is tried more and more seldom all the same.
 * @param options.onAway told of the first failure after it worked, and not of those that follow.
 * @param options.onBack told when it works again after that.
 * @param options.expected failures that are part of its life, of which nobody is told.
 */
export async function keepTrying(options: {
  signal: AbortSignal;
  time: Time;
  attempt(begun: () => void): Promise<void>;
  onAway(error: unknown): void;
  onBack(): void;
  expected?(error: unknown): boolean;
}): Promise<void> {
  const { signal, time, attempt, onAway, onBack, expected = () => false } = options;
  let failures = 0;
  let away = false;
  let begunAt: number | undefined;
  const begun = () => {
    begunAt ??= time.now().getTime();
    if (away) onBack();
    away = false;
  };
  while (!signal.aborted) {
    begunAt = undefined;
    try {
      return await attempt(begun);
    } catch (error) {
      if (signal.aborted) return;
      const enoughMs = Math.min(longestDelayMs(failures), ENOUGH_MS);
      if (begunAt !== undefined && time.now().getTime() - begunAt >= enoughMs) failures = 0;
      failures++;
      if (!away && !expected(error)) {
        away = true;
        onAway(error);
      }
    }
    await time.wait(retryDelayMs(failures, time.random), signal).catch(() => {});
  }
}
