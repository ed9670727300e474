import type { Logger } from "../../runtime/logger.ts";
import { pollEvery } from "../../runtime/poll.ts";
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
): () => Promise<void> {
  let known: number | undefined;
  const look = async () => {
    if (wakeups.watched().length === 0) return;
    const revision = await store.revision();
    if (revision !== known) wakeups.wake(CATALOGUE);
    known = revision;
  };
  return pollEvery(options.intervalMs, look, (error) => {
    options.logger.warn({ err: error }, "could not look for changes of the catalogue");
  });
}
