import type { HealthCheck } from "../../runtime/health.ts";

/** What an unfinished blob is up to, after a restart too. */
export interface Draft {
  /** How many of its bytes are durable. */
  readonly length: number;
  /** What the store needs to go on, never "". Only the store knows what it means. */
  readonly state: string;
}

/**
 * Keeps the bytes of Documents. It knows nothing else of them: which there are
 * stands in the database.
 */
export interface BlobStore {
  /** Begins a blob of no bytes. It cannot be read. */
  begin(id: string): Promise<Draft>;
  /** Goes on with an unfinished blob. Bytes behind the draft's length are forgotten. */
  resume(id: string, draft: Draft): Promise<BlobWriter>;
  /**
   * Reads a range of a finished blob, which must have it.
   *
   * A blob that is removed meanwhile is read to its end, or the reading fails with BlobGone.
   */
  read(id: string, range: { offset: number; length: number }, signal?: AbortSignal): AsyncIterable<Buffer>;
  /**
   * Removes a blob, finished or not; one that is not there is no error.
   *
   * @param draft undefined if it may never have begun.
   */
  remove(id: string, draft: Draft | undefined): Promise<void>;
  /** Rejects when the store cannot be used. */
  readonly check: HealthCheck;
}

/** Appends to one unfinished blob. There must be only one of them at a time. */
export interface BlobWriter {
  /** Appends bytes. Resolves when the store has taken them: wait for it before the next. */
  write(data: Uint8Array): Promise<void>;
  /**
   * Makes durable what can be: of some stores, not the last bytes.
   *
   * @param end whether nothing comes any more: then everything is durable.
   */
  flush(end: boolean): Promise<Draft>;
  /** Makes the blob one that can be read, behind flush(true). Doing it again, after a restart too, is no error. */
  finish(): Promise<void>;
  /** Lets go of what it holds. Always to be called, once. */
  close(): Promise<void>;
}

/** Thrown by read() for a blob that is not there, or not any more. */
export class BlobGone extends Error {
  override readonly name = "BlobGone";
}
