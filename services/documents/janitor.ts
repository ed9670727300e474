import type { Logger } from "../../runtime/logger.ts";
import { pollEvery } from "../../runtime/poll.ts";
import type { BlobStore, Draft } from "./blob-store.ts";

/** The blobs whose bytes nobody needs, and how they come to be such. */
export interface DoomedStore {
  /** Forgets Uploads that have expired, and dooms the blobs of those that are not complete. */
  expireUploads(now: Date): Promise<void>;
  /** Some of the blobs that are to be removed by now. */
  doomed(now: Date, limit: number): Promise<{ id: string; draft: Draft | undefined }[]>;
  /** A blob has no bytes any more. */
  forget(id: string): Promise<void>;
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
  start(intervalMs: number): () => void {
    return pollEvery(
      intervalMs,
      () => this.clean(),
      (error) => this.#logger.warn({ err: error }, "could not look for what is to be removed"),
    );
  }

  async clean(): Promise<void> {
    await this.#store.expireUploads(this.#now());
    await this.removeDoomed();
  }

  /** Removes what is doomed by now. What cannot be removed is left for later. */
  async removeDoomed(): Promise<void> {
    const failed = new Set<string>();
    while (true) {
      const doomed = await this.#store.doomed(this.#now(), BATCH + failed.size);
      const left = doomed.filter(({ id }) => !failed.has(id));
      if (left.length === 0) return;
      for (const { id, draft } of left) {
        try {
          await this.#blobs.remove(id, draft);
          await this.#store.forget(id);
        } catch (error) {
          failed.add(id);
          this.#logger.warn({ err: error, blob: id }, "could not remove what is deleted");
        }
      }
    }
  }
}
