import { setTimeout as sleep } from "node:timers/promises";
import { isAbortError } from "abort-controller-x";
import type { MarketplaceClient } from "../../clients/marketplace.ts";
import type { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import type { WatchBooksResponse } from "../../gen/bookstore/marketplace/v1/marketplace_service.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Wakeups } from "../../runtime/wakeups.ts";
import type { Shelves } from "./shelf.ts";

/** How far a catalogue has been followed, and which one. */
export interface Position {
  catalogueId: string;
  revision: number;
}

/** The stored copy of the catalogue, with how far it goes. */
export interface CatalogueCopy {
  position(): Promise<Position>;
  /** Stores Books and the position they go up to, in place of everything if they are of another catalogue. */
  put(books: readonly Book[], position: Position): Promise<void>;
}

export interface FollowerDeps {
  marketplace: Pick<MarketplaceClient, "watchBooks">;
  copy: Pick<CatalogueCopy, "put">;
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
 *
 * @param from what the shelves hold already. Kept here from then on, as the stored position is that of the fastest replica.
 */
export async function followCatalogue(deps: FollowerDeps, from: Position, signal: AbortSignal): Promise<void> {
  const { marketplace, logger } = deps;
  let position = from;
  let pauseMs = FIRST_PAUSE_MS;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const { catalogueId, revision } = position;
      for await (const batch of marketplace.watchBooks({ catalogueId, afterRevision: BigInt(revision) }, { signal })) {
        position = await takeIn(deps, batch, position);
        if (failures >= PATIENT_TRIES) logger.info("the catalogue can be followed again");
        failures = 0;
        pauseMs = FIRST_PAUSE_MS;
      }
    } catch (error) {
      if (isAbortError(error)) return;
      if (++failures === PATIENT_TRIES) logger.warn({ reason: String(error) }, "the catalogue cannot be followed now");
    }
    // Half of it random, so that replicas do not come back all at once.
    await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

async function takeIn(deps: FollowerDeps, batch: WatchBooksResponse, before: Position): Promise<Position> {
  const { copy, shelves, wakeups, logger } = deps;
  const position = { catalogueId: batch.catalogueId, revision: Number(batch.revision) };
  await copy.put(batch.books, position);
  const changed = new Set<BookCategory>();
  if (position.catalogueId !== before.catalogueId) {
    if (before.catalogueId !== "") logger.warn(position, "another catalogue: starting over");
    for (const category of shelves.clear()) changed.add(category);
  }
  for (const category of shelves.put(batch.books)) changed.add(category);
  for (const category of changed) wakeups.wake(category);
  return position;
}
