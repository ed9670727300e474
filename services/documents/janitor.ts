import type { Logger } from "../../runtime/logger.ts";
import { pollEvery } from "../../runtime/poll.ts";
import type { BlobStore, Draft } from "./blob-store.ts";

/** The blobs whose bytes nobody needs, and how they come to be such. */
export interface DoomedStore {
  /** Forgets Uploads that have expired, and dooms the blobs of those that are not complete. */
  expireUploads(now: Date): Promise<void>;
  /** Some of the blobs that are to be removed by now. */
  doomed(now: Date, limit: number): Promise<DoomedBlob[]>;
  /** One blob, if it is to be removed by now. */
  findDoomed(id: string, now: Date): Promise<DoomedBlob | undefined>;
  /** A blob has no bytes any more. */
  forget(id: string): Promise<void>;
}

export interface DoomedBlob {
  id: string;
  draft: Draft | undefined;
}

const BATCH = 100;

/**
 * Removes bytes that nobody needs: of what was deleted, has expired or was
 * never finished, in whatever moment a process ended.
 */
export class Janitor {
  readonly #store: DoomedStore;
  readonly #blobs: Pick<BlobStore, "remove">;
  readonly #logger: Logger;
  readonly #now: () => Date;

  constructor(deps: { store: DoomedStore; blobs: Pick<BlobStore, "remove">; logger: Logger; now: () => Date }) {
    this.#store = deps.store;
    this.#blobs = deps.blobs;
    this.#logger = deps.logger;
    this.#now = deps.now;
  }

  /** Cleans up every `intervalMs` milliseconds. @returns stops it. */
  start(intervalMs: number): () => Promise<void> {
    return pollEvery(
      intervalMs,
      () => this.clean(),
      (error) => this.#logger.warn({ err: error }, "could not look for what is to be removed"),
    );
  }

  /** Removes what is doomed by now. What cannot be removed is left for later. */
  async clean(): Promise<void> {
    await this.#store.expireUploads(this.#now());
    const failed = new Set<string>();
    while (true) {
      const doomed = await this.#store.doomed(this.#now(), BATCH + failed.size);
      const left = doomed.filter(({ id }) => !failed.has(id));
      if (left.length === 0) return;
      for (const blob of left) {
        if (!(await this.#remove(blob))) failed.add(blob.id);
      }
    }
  }

  /** Removes one blob, if it is doomed, for somebody who has just given it up and shall not wait for those of others. */
  async removeDoomed(id: string): Promise<void> {
    const blob = await this.#store.findDoomed(id, this.#now());
    if (blob !== undefined) await this.#remove(blob);
  }

  /** @returns whether it could be removed. */
  async #remove({ id, draft }: DoomedBlob): Promise<boolean> {
    try {
      await this.#blobs.remove(id, draft);
      await this.#store.forget(id);
      return true;
    } catch (error) {
      this.#logger.warn({ err: error, blob: id }, "could not remove what is deleted");
      return false;
    }
  }
}
