import { get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const ASK_EVERY_MS = 50;
const ANSWER_WITHIN_MS = 2_000;

/** Looks once whether something is ready. Rejects only when the signal has aborted. */
export type Probe = (signal: AbortSignal) => Promise<boolean>;

/**
 * Waits until every process is ready.
 *
 * @param options.probes how to find that out, by the names of the processes.
 * @param options.slowAfterMs when to call onSlow, once, with the names that are not ready.
 * @throws AbortError when the signal aborts.
 */
export async function untilReady(options: {
  probes: ReadonlyMap<string, Probe>;
  slowAfterMs: number;
  onSlow: (names: readonly string[]) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { signal } = options;
  const waiting = new Set(options.probes.keys());
  const slow = setTimeout(() => options.onSlow([...waiting]), options.slowAfterMs);
  try {
    await Promise.all(
      [...options.probes].map(async ([name, isReady]) => {
        while (!(await isReady(signal))) await delay(ASK_EVERY_MS, undefined, { signal });
        waiting.delete(name);
      }),
    );
  } finally {
    clearTimeout(slow);
  }
}

/** Asks a process itself, at its /readyz. */
export function readyz(url: string): Probe {
  return (signal) =>
    new Promise((resolve) => {
      const request = get(url, { agent: false, timeout: ANSWER_WITHIN_MS, signal }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.once("timeout", () => request.destroy());
      request.once("error", () => resolve(false));
      request.once("close", () => resolve(false));
    });
}
