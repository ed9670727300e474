import { createHash, type Hash, randomUUID } from "node:crypto";
import { Failure } from "../../runtime/errors.ts";
import { reached } from "../../runtime/steps.ts";
import type { BlobStore, BlobWriter, Draft } from "./blob-store.ts";
import { HEAD_BYTES, looksLike } from "./content-type.ts";
import type { Document } from "./document.ts";
import { Incoming } from "./incoming.ts";
import type { Janitor } from "./janitor.ts";
import type { Places } from "./places.ts";
import { expiry, foundUpload, isOpenEnded, type Upload, type UploadLimits, type UploadStore } from "./upload.ts";
import { otherWriter, type Writers } from "./writers.ts";

export interface ReceiveDeps {
  store: UploadStore;
  blobs: BlobStore;
  limits: UploadLimits;
  /** How many may send at once. */
  places: Places;
  writers: Writers;
  janitor: Pick<Janitor, "removeDoomed">;
  now(): Date;
  /** Is told of bytes that have come. */
  count(bytes: number): void;
  /** How long a call may send nothing. */
  idleMs: number;
}

/** Some bytes of a Document, and where they belong. */
export interface Chunk {
  userId: string;
  uploadId: string;
  offset: bigint;
  data: Uint8Array;
  /** Of an Upload whose end is open, with its last bytes: that of all of them. */
  sha256?: string | undefined;
}

/** How an Upload stands behind a call. */
export interface Received {
  upload: Upload;
  /** Undefined as long as it is not complete. */
  document: Document | undefined;
}

/** So much at most is lost of what was sent when a process ends at once. */
const COMMIT_BYTES = 8_388_608;

/**
 * Takes bytes of an Upload until they end, and makes the Document when all are there.
 *
 * The next chunk is not asked for before the store has taken the one before.
 */
export async function receive(deps: ReceiveDeps, chunks: AsyncIterable<Chunk>): Promise<Received> {
  const incoming = new Incoming(chunks, deps.idleMs);
  const first = await incoming.next();
  if (first === undefined) throw new Failure("invalid", "at least one message must come", { reason: "INVALID_FIELDS" });
  const { userId, uploadId } = first;
  using _ = deps.places.take(userId);
  // Before the call that writes now is ended: nobody ends somebody else's.
  foundUpload(await deps.store.find(userId, uploadId, deps.now()));
  using turn = await deps.writers.takeOver(uploadId);
  incoming.stopBy(turn.signal);

  const writer = randomUUID();
  const { upload, firstWriter } = foundUpload(await deps.store.takeOver(userId, uploadId, writer, deps.now()));
  if (upload.complete) return { upload, document: await deps.store.uploaded(uploadId) };
  let reception: Reception | undefined;
  try {
    reception = await Reception.begin({ deps, upload, writer, firstWriter });
    for (let chunk: Chunk | undefined = first; chunk !== undefined; chunk = await incoming.next()) {
      if (chunk.uploadId !== uploadId || chunk.userId !== userId) {
        throw new Failure("invalid", "every message must be for the same upload", { reason: "WRONG_UPLOAD" });
      }
      await reception.take(Number(chunk.offset), chunk.data);
      const sha256 = reception.checksumAfter(chunk);
      if (sha256 !== undefined) return await reception.complete(sha256);
    }
    if (isOpenEnded(upload)) await reception.discard("CHECKSUM_MISMATCH", "it has ended without its checksum");
    return { upload: { ...upload, draft: await reception.commit() }, document: undefined };
  } catch (error) {
    // Whoever gives an upload up takes its bytes from under this call, and each store says so in its own way.
    if (!(error instanceof Failure)) foundUpload(await deps.store.find(userId, uploadId, deps.now()));
    throw error;
  } finally {
    await reception?.close();
  }
}

interface ReceptionState {
  deps: ReceiveDeps;
  upload: Upload;
  writer: string;
  firstWriter: boolean;
}

/** The bytes of one Upload on their way into the store. */
class Reception {
  readonly #state: ReceptionState;
  readonly #blob: BlobWriter;
  /** Of all bytes, if all have come by this call and none by another. */
  readonly #hash: Hash | undefined;
  #length: number;
  #committed: Draft;
  /** Whether there is nothing more to be noted about the Upload. */
  #settled = false;

  private constructor(state: ReceptionState, blob: BlobWriter, draft: Draft) {
    this.#state = state;
    this.#blob = blob;
    this.#length = draft.length;
    this.#committed = draft;
    this.#hash = state.firstWriter && draft.length === 0 ? createHash("sha256") : undefined;
  }

  static async begin(state: ReceptionState): Promise<Reception> {
    const { deps, upload, writer } = state;
    let { draft } = upload;
    if (draft === undefined) {
      draft = await deps.blobs.begin(upload.id);
      reached("documents.draft-begun");
      if (!(await deps.store.commit(upload.id, writer, draft, upload.expiresAt))) {
        // The upload may have been deleted before there was anything to be removed, and nobody else knows the draft.
        await deps.blobs.remove(upload.id, draft);
        throw otherWriter();
      }
    }
    return new Reception(state, await deps.blobs.resume(upload.id, draft), draft);
  }

  /** What all bytes have to have, if these were the last ones. */
  checksumAfter({ sha256 }: Chunk): string | undefined {
    const { upload } = this.#state;
    if (isOpenEnded(upload)) return sha256;
    return this.#length === upload.size ? upload.sha256 : undefined;
  }

  async take(offset: number, data: Uint8Array): Promise<void> {
    const { upload, deps } = this.#state;
    deps.count(data.length);
    if (offset > this.#length) {
      throw new Failure("out-of-range", `the next byte is that at ${this.#length}`, {
        reason: "WRONG_OFFSET",
        metadata: { offset: String(this.#length) },
      });
    }
    const fresh = data.subarray(this.#length - offset);
    if (this.#length + fresh.length > upload.size) await this.discard("CHECKSUM_MISMATCH", "more has come than was announced");
    if (this.#length === 0 && fresh.length >= HEAD_BYTES) await this.#checkType(fresh.subarray(0, HEAD_BYTES));
    if (fresh.length > 0) await this.#blob.write(fresh);
    reached("documents.bytes-written");
    this.#hash?.update(fresh);
    this.#length += fresh.length;
    if (this.#length - this.#committed.length >= COMMIT_BYTES) await this.commit();
  }

  /** Makes durable what can be. @throws Failure OTHER_WRITER if somebody else has taken over. */
  async commit(end = false): Promise<Draft> {
    const { deps, upload, writer } = this.#state;
    const draft = await this.#blob.flush(end);
    reached("documents.bytes-durable");
    const expiresAt = expiry(deps.limits, upload, deps.now());
    if (!(await deps.store.commit(upload.id, writer, draft, expiresAt))) {
      this.#settled = true;
      throw otherWriter();
    }
    this.#committed = draft;
    return draft;
  }

  /** Checks that it is what was announced, and shows it. */
  async complete(sha256: string): Promise<Received> {
    const { deps, writer } = this.#state;
    // Not every store can finish a blob of no bytes.
    if (this.#length === 0) await this.discard("CHECKSUM_MISMATCH", "nothing has come");
    const upload = { ...this.#state.upload, size: this.#length, sha256 };
    const draft = await this.commit(true);
    reached("documents.all-committed");
    await this.#blob.finish();
    reached("documents.blob-finished");
    if ((this.#hash?.digest("hex") ?? (await this.#hashOfAll())) !== sha256) {
      await this.discard("CHECKSUM_MISMATCH", "what has come is not what was announced");
    }
    await this.#checkType(await this.#head());
    const now = deps.now();
    const expiresAt = expiry(deps.limits, upload, now);
    const completed = await deps.store.complete(upload, writer, { now, expiresAt });
    if (completed === undefined) throw otherWriter();
    this.#settled = true;
    const { document, replaced } = completed;
    reached("documents.document-complete");
    for (const id of replaced) await deps.janitor.removeDoomed(id);
    return { upload: { ...upload, draft, expiresAt, complete: true }, document };
  }

  /** What has come by now is kept, however the call has ended, unless nobody could go on with it. */
  async close(): Promise<void> {
    const unsaved = !this.#settled && this.#length > this.#committed.length;
    const lost = !this.#settled && isOpenEnded(this.#state.upload);
    // Where that fails too, the offset tells it, or the janitor comes: the call has failed already.
    if (lost) await this.#remove().catch(() => {});
    else if (unsaved) await this.commit().catch(() => {});
    await this.#blob.close();
  }

  async discard(reason: string, message: string): Promise<never> {
    if (!(await this.#remove())) throw otherWriter();
    throw new Failure("invalid", `${message}: the upload is gone`, { reason });
  }

  /** @returns whether it still was this call's. */
  async #remove(): Promise<boolean> {
    const { deps, upload, writer } = this.#state;
    this.#settled = true;
    const removed = await deps.store.discard(upload.id, writer);
    if (removed) await deps.janitor.removeDoomed(upload.id);
    return removed;
  }

  async #checkType(head: Uint8Array): Promise<void> {
    const { contentType } = this.#state.upload;
    if (!looksLike(contentType, head)) await this.discard("CONTENT_MISMATCH", `what has come is not ${contentType}`);
  }

  async #head(): Promise<Uint8Array> {
    const { deps, upload } = this.#state;
    return Buffer.concat(
      await Array.fromAsync(deps.blobs.read(upload.id, { offset: 0, length: Math.min(HEAD_BYTES, this.#length) })),
    );
  }

  async #hashOfAll(): Promise<string> {
    const { deps, upload } = this.#state;
    const hash = createHash("sha256");
    for await (const data of deps.blobs.read(upload.id, { offset: 0, length: this.#length })) hash.update(data);
    return hash.digest("hex");
  }
}
