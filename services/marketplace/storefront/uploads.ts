import { createHash } from "node:crypto";
import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { UploadChunksRequest } from "../../../gen/bookstore/documents/v1/upload_service.ts";

/** Of one message: larger ones are no faster. */
const PIECE_BYTES = 65_536;

/** A form has one file and nothing else. How large it may be is for documents to say. */
const LIMITS = {
  ...{ files: 1, fields: 0, parts: 1, fileSize: Number.MAX_SAFE_INTEGER },
  ...{ headerPairs: 8, headerSize: 8_192 },
};

/** A file that is coming. */
export interface ArrivingFile {
  /** As the browser calls it: any characters, or none. */
  name: string;
  contentType: string;
  /** As large as the form, and some bytes smaller. Nobody knows how many before its end. */
  atMost: number;
  /** Undefined if it is empty. */
  bytes: AsyncIterable<Buffer> | undefined;
  /** Takes no more of it. */
  [Symbol.dispose](): void;
}

/** What a form could not bring to its end. */
export class BrokenUpload extends Error {
  override readonly name = "BrokenUpload";
}

/** Has the routes of `app` take forms with files, and no others. Nothing of a body is read before `arrivingFile`. */
export async function takeFiles(app: FastifyInstance): Promise<void> {
  app.removeAllContentTypeParsers();
  await app.register(multipart, { limits: LIMITS, fileHwm: PIECE_BYTES });
}

/**
 * Reads a form as far as the first bytes of its file.
 *
 * @returns undefined if there is none. To be bound with `using`.
 * @throws BrokenUpload if the form does not come as far, or is none.
 */
export async function arrivingFile(request: FastifyRequest): Promise<ArrivingFile | undefined> {
  const part = await request.file().catch(asBroken);
  if (part === undefined) return undefined;
  const { filename = "", mimetype: contentType, file } = part;
  const pieces = file[Symbol.asyncIterator]();
  const first = await pieces.next().catch(asBroken);
  return {
    // Forms have no other way to write it (HTML, "multipart/form-data encoding algorithm").
    ...{ name: filename.replaceAll("%22", '"'), contentType, atMost: Number(request.headers["content-length"]) },
    bytes: first.done ? undefined : piecesOf(first.value, pieces),
    [Symbol.dispose]: () => void file.destroy(),
  };
}

/** The messages that bring a file. The next piece is not read before the one before is on its way. */
export async function* chunksOf(
  bytes: AsyncIterable<Buffer>,
  { userId, id: uploadId }: { userId: string; id: string },
): AsyncGenerator<UploadChunksRequest> {
  const hash = createHash("sha256");
  let at = 0;
  for await (const data of bytes) {
    hash.update(data);
    yield { userId, uploadId, offset: BigInt(at), data };
    at += data.length;
  }
  yield { userId, uploadId, offset: BigInt(at), data: Buffer.alloc(0), sha256: hash.digest("hex") };
}

async function* piecesOf(first: Buffer, others: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  for (let data = first; ; ) {
    for (let from = 0; from < data.length; from += PIECE_BYTES) yield data.subarray(from, from + PIECE_BYTES);
    const next = await others.next().catch(asBroken);
    if (next.done) return;
    data = next.value;
  }
}

function asBroken(cause: unknown): never {
  throw new BrokenUpload("the form has not come whole", { cause });
}
