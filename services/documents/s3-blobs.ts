import type { S3Client } from "@aws-sdk/client-s3";
import { Failure } from "../../runtime/errors.ts";
import { BlobGone, type BlobStore, type BlobWriter, type Draft } from "./blob-store.ts";

export interface S3Options {
  /** http(s)://host:port of a server that is not Amazon's. */
  endpoint?: string | undefined;
  bucket: string;
  region: string;
  /** Without it, Amazon's client looks for who it is: environment, files, the machine's role. */
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
}

/** The least that a part may have which is not the last one. It is held in memory until it is sent. */
const PART_BYTES = 5_242_880;
const READ_BYTES = 32_768;
const CONNECT_MS = 5_000;
/** More than MAX_DOWNLOADS_AT_ONCE may be. */
const MOST_CONNECTIONS = 100_000;
/** How long the server may take to answer. Without a limit, one that is stuck would hold up the receipts of all orders. */
const ANSWER_MS = 60_000;

/** What stands in the state of a draft. */
interface Parts {
  uploadId: string;
  /** Of the parts in order; each has PART_BYTES, but for the last one of a whole blob. */
  etags: string[];
}

/**
 * Keeps blobs as objects of a bucket, which several processes may share.
 *
 * A draft is a multipart upload: it is no object before it is complete.
 */
export async function openS3Blobs(options: S3Options): Promise<BlobStore> {
  // On first use: it costs 20 MB, which those who have no bucket are spared.
  const s3 = await import("@aws-sdk/client-s3");
  const { endpoint, bucket: Bucket, region, credentials } = options;
  const client = new s3.S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...{ region, ...(credentials === undefined ? {} : { credentials }) },
    // Not every server knows the newer checksums. Signatures cover the bytes, and Documents have a SHA-256.
    ...{ requestChecksumCalculation: "WHEN_REQUIRED", responseChecksumValidation: "WHEN_REQUIRED" },
    requestHandler: {
      ...{ connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true },
      // A slow reader keeps a connection. How many may read is limited elsewhere: uploads and checks must not wait for them.
      ...{ httpAgent: { maxSockets: MOST_CONNECTIONS }, httpsAgent: { maxSockets: MOST_CONNECTIONS } },
    },
  });
  client.middlewareStack.add((next) => (args) => next(args).catch(refuseAway), { step: "initialize" });
  const object = (id: string) => ({ Bucket, Key: id });

  async function isThere(id: string): Promise<boolean> {
    try {
      await client.send(new s3.HeadObjectCommand(object(id)));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  return {
    async check() {
      // Asks what readers ask. No blob is called that; whoever may not list the bucket is not even told so.
      const answer = await client.send(new s3.GetObjectCommand(object("health"))).then(() => "an object", nameOf);
      if (answer !== "NoSuchKey") throw new Error(`the bucket cannot be used: ${answer}`);
    },

    async begin(id) {
      const { UploadId = "" } = await client.send(new s3.CreateMultipartUploadCommand(object(id)));
      return draftOf({ uploadId: UploadId, etags: [] }, 0);
    },

    async resume(id, draft) {
      const parts = partsOf(draft);
      const upload = { ...object(id), UploadId: parts.uploadId };
      return partWriter(parts, draft.length, {
        async send(PartNumber, Body) {
          const { ETag = "" } = await client.send(new s3.UploadPartCommand({ ...upload, PartNumber, Body })).catch(refuseLost);
          return ETag;
        },
        async complete() {
          const Parts = parts.etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
          try {
            await client.send(new s3.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
          } catch (error) {
            // It was completed, and nobody could be told any more.
            if (!isMissing(error) || !(await isThere(id))) refuseLost(error);
          }
        },
      });
    },

    async *read(id, { offset, length }, signal) {
      const Range = `bytes=${offset}-${offset + length - 1}`;
      try {
        const { Body } = await client.send(new s3.GetObjectCommand({ ...object(id), Range }), abortedBy(signal));
        let left = length;
        for await (const data of Body as AsyncIterable<Buffer>) {
          left -= data.length;
          for (let i = 0; i < data.length; i += READ_BYTES) yield data.subarray(i, i + READ_BYTES);
        }
        if (left !== 0) throw new Error("an object has not come to its end");
      } catch (error) {
        if (isMissing(error)) throw new BlobGone();
        // The connection may also break in the middle of an object.
        signal?.throwIfAborted();
        refuseAway(error);
      }
    },

    async remove(id, draft) {
      if (draft === undefined) return;
      const { uploadId: UploadId, etags } = partsOf(draft);
      await client.send(new s3.AbortMultipartUploadCommand({ ...object(id), UploadId })).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
      // Without parts it was never completed: an object of that name is another writer's.
      if (etags.length > 0) await client.send(new s3.DeleteObjectCommand(object(id)));
    },
  };
}

function abortedBy(signal: AbortSignal | undefined): Parameters<S3Client["send"]>[1] & object {
  return signal === undefined ? {} : { abortSignal: signal };
}

interface PartSender {
  send(number: number, bytes: Uint8Array): Promise<string>;
  complete(): Promise<void>;
}

function partWriter(parts: Parts, from: number, { send, complete }: PartSender): BlobWriter {
  let length = from;
  /** Made when there are bytes for it. */
  let part: Buffer | undefined;
  let filled = 0;
  const sendPart = async () => {
    if (part === undefined) return;
    parts.etags.push(await send(parts.etags.length + 1, part.subarray(0, filled)));
    length += filled;
    filled = 0;
  };
  return {
    async write(data) {
      for (let taken = 0; taken < data.length; ) {
        part ??= Buffer.allocUnsafeSlow(PART_BYTES);
        const piece = data.subarray(taken, taken + PART_BYTES - filled);
        part.set(piece, filled);
        filled += piece.length;
        taken += piece.length;
        if (filled === PART_BYTES) await sendPart();
      }
    },
    async flush(end) {
      if (end && filled > 0) await sendPart();
      return draftOf(parts, length);
    },
    finish: complete,
    async close() {
      part = undefined;
    },
  };
}

function draftOf(parts: Parts, length: number): Draft {
  return { length, state: JSON.stringify(parts) };
}

function partsOf({ state, length }: Draft): Parts {
  const { uploadId, etags } = JSON.parse(state) as Parts;
  return { uploadId, etags: etags.slice(0, Math.ceil(length / PART_BYTES)) };
}

function nameOf(error: Error): string {
  return Error.isError(error.cause) ? error.cause.name : error.name;
}

/** A server that is away, busy or broken is not what is wrong with a request: it may be made again. */
function refuseAway(error: unknown): never {
  if (error instanceof Failure) throw error;
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (name === "AbortError" || (status !== undefined && status !== 429 && status < 500)) throw error;
  throw new Failure("unavailable", "documents cannot be kept or read at the moment", { reason: "STORAGE_AWAY", cause: error });
}

/** A bucket that has forgotten an upload, or parts of it, never makes an object of it. */
function refuseLost(error: unknown): never {
  throw isMissing(error) || (error as { name?: string }).name === "InvalidPart" ? new BlobGone() : error;
}

/** Whether S3 says that there is no such object or upload. */
function isMissing(error: unknown): boolean {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  return ["NoSuchKey", "NoSuchUpload", "NotFound"].includes(name ?? "") || $metadata?.httpStatusCode === 404;
}
