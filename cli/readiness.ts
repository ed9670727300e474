import { get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const ASK_EVERY_MS = 50;
const ANSWER_WITHIN_MS = 2_000;

/**
 * Waits until every service says that it is ready.
 *
 * @param options.urls the /readyz of each service, by its name.
 * @param options.slowAfterMs when to call onSlow, once, with the names that are not ready.
 * @throws AbortError when the signal aborts.
 */
export async function untilReady(options: {
  urls: ReadonlyMap<string, string>;
  slowAfterMs: number;
  onSlow: (names: readonly string[]) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { signal } = options;
  const waiting = new Set(options.urls.keys());
  const slow = setTimeout(() => options.onSlow([...waiting]), options.slowAfterMs);
  try {
    await Promise.all(
      [...options.urls].map(async ([name, url]) => {
        while (!(await isReady(url, signal))) await delay(ASK_EVERY_MS, undefined, { signal });
        waiting.delete(name);
      }),
    );
  } finally {
    clearTimeout(slow);
  }
}

function isReady(url: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: ANSWER_WITHIN_MS, signal }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(false));
    request.once("close", () => resolve(false));
  });
}
