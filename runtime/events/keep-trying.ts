import type { Time } from "./event-processor.ts";
import { retryDelayMs } from "./retry-delay.ts";

/**
 * Does something that lasts until it fails, again and again with backoff, until it returns or the signal aborts.
 *
 * @param options.attempt calls `begun` when it works: what failed before is over.
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
  const begun = () => {
    failures = 0;
    if (away) onBack();
    away = false;
  };
  while (!signal.aborted) {
    try {
      return await attempt(begun);
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      if (!away && !expected(error)) {
        away = true;
        onAway(error);
      }
    }
    await time.wait(retryDelayMs(failures, time.random), signal).catch(() => {});
  }
}
