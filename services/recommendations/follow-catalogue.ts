import { setTimeout as sleep } from "node:timers/promises";
import { isAbortError } from "abort-controller-x";
import type { MarketplaceClient } from "../../clients/marketplace.ts";
import type { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Wakeups } from "../../runtime/wakeups.ts";
import type { Shelves } from "./shelf.ts";

/** The stored copy of the catalogue, with how far it goes. */
export interface CatalogueCopy {
  revision(): Promise<number>;
  /** Stores Books together with the revision they go up to. */
  put(books: readonly Book[], revision: number): Promise<void>;
  /** Forgets everything, back to revision 0. */
  clear(): Promise<void>;
}

export interface FollowerDeps {
  marketplace: Pick<MarketplaceClient, "watchBooks">;
  copy: CatalogueCopy;
  shelves: Shelves;
  wakeups: Wakeups<BookCategory>;
  logger: Logger;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Tries before it is worth a warning: when a whole shop starts, the marketplace may come a little later. */
const PATIENT_TRIES = 5;

/**
 * Keeps the shelves like the catalogue of the marketplace, until the signal aborts.
 *
 * Never gives up: the marketplace may be away for as long as it likes, while the
 * shelves stay as they were.
 */
export async function followCatalogue(deps: FollowerDeps, signal: AbortSignal): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  let failures = 0;
  while (!signal.aborted) {
    try {
      for await (const batch of deps.marketplace.watchBooks({ afterRevision: await deps.copy.revision() }, { signal })) {
        await takeIn(deps, batch.books, Number(batch.revision));
        if (failures >= PATIENT_TRIES) deps.logger.info("the catalogue can be followed again");
        failures = 0;
        pauseMs = FIRST_PAUSE_MS;
      }
    } catch (error) {
      if (isAbortError(error)) return;
      if (++failures === PATIENT_TRIES) deps.logger.warn({ reason: String(error) }, "the catalogue cannot be followed now");
      // Half of it random, so that replicas do not come back all at once.
      await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}

async function takeIn({ copy, shelves, wakeups, logger }: FollowerDeps, books: readonly Book[], revision: number): Promise<void> {
  if (revision < (await copy.revision())) {
    logger.warn({ revision }, "the catalogue has begun anew: starting over");
    await copy.clear();
    for (const category of shelves.clear()) wakeups.wake(category);
    throw new CatalogueRestarted();
  }
  await copy.put(books, revision);
  for (const category of shelves.put(books)) wakeups.wake(category);
}

/** Ends the stream, so that the next one starts from revision 0. */
class CatalogueRestarted extends Error {
  override readonly name = "CatalogueRestarted";
}
