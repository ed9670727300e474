import type { Logger } from "../../runtime/logger.ts";
import type { Wakeups } from "../../runtime/wakeups.ts";
import type { BookStore } from "./book.ts";

/** The one thing of this service that is followed. */
export const CATALOGUE = "catalogue";

/**
 * Wakes those who follow the catalogue when any process has changed it: another
 * replica, or an import.
 *
 * @returns stops it.
 */
export function pollRevision(
  store: Pick<BookStore, "revision">,
  wakeups: Wakeups<typeof CATALOGUE>,
  options: { intervalMs: number; logger: Logger },
): () => void {
  let known: number | undefined;
  const timer = setInterval(async () => {
    if (wakeups.watched().length === 0) return;
    try {
      const revision = await store.revision();
      if (revision !== known) wakeups.wake(CATALOGUE);
      known = revision;
    } catch (error) {
      options.logger.warn({ err: error }, "could not look for changes of the catalogue");
    }
  }, options.intervalMs);
  return () => clearInterval(timer);
}
