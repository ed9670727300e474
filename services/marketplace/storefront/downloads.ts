import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Document } from "../../../gen/bookstore/documents/v1/document.ts";
import { byteRange } from "./byte-range.ts";
import { leaving } from "./leaving.ts";

/** How long somebody may read a file: as long as documents sends one. Connections that stand still end before. */
export const DOWNLOAD_MS = 3_600_000;

/** What comes of a file. The first message has no bytes. */
export type Pieces = AsyncIterable<{ data: Uint8Array }>;

export interface Download {
  document: Document;
  /** Asks for the bytes. @param part.length 0 for all from the offset on. */
  open(part: { offset: bigint; length: bigint }, signal: AbortSignal): Pieces;
  /** Whether a browser may show it instead of keeping it. Only types that run no scripts are. */
  show: boolean;
  cacheControl: string;
}

/** What a browser shows as it is. */
const SHOWN = /^(text\/html|text\/plain|image\/(png|jpeg)|application\/pdf)(;|$)/;
const NOTHING = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/**
 * Sends a file, or the range of it that is asked for, no faster than it is read.
 *
 * @throws ClientError if it cannot be had. What fails after the first byte cuts the connection.
 */
export async function sendDownload(request: FastifyRequest, reply: FastifyReply, download: Download): Promise<FastifyReply> {
  const { document, open, show, cacheControl } = download;
  const size = Number(document.size);
  const tag = `"${document.sha256}"`;
  const shown = show && SHOWN.test(document.contentType);
  const headers = {
    "accept-ranges": "bytes",
    "cache-control": cacheControl,
    "content-disposition": dispositionOf(shown ? "inline" : "attachment", document.name),
    // Whatever it is, it is not a page of the shop. The viewers of browsers do not work in a sandbox.
    "content-security-policy": document.contentType === "application/pdf" ? NOTHING : `sandbox; ${NOTHING}`,
    etag: tag,
  };
  if (request.headers["if-none-match"]?.includes(tag)) return reply.headers(headers).status(304).send();

  const { range: asked, "if-range": ifRange = tag } = request.headers;
  const range = ifRange === tag ? byteRange(asked, size) : undefined;
  if (range === "beyond") return reply.headers(headers).status(416).header("content-range", `bytes */${size}`).send();
  const { offset, length } = range ?? { offset: 0, length: size };
  const begin = () => {
    // Documents takes no text but UTF-8, and browsers would guess.
    const type = document.contentType === "text/plain" ? "text/plain; charset=utf-8" : document.contentType;
    reply.headers(headers).type(type).header("content-length", length);
    if (range === undefined) return reply;
    return reply.status(206).header("content-range", `bytes ${offset}-${offset + length - 1}/${size}`);
  };
  if (request.method === "HEAD" || length === 0) return begin().send(Readable.from([]));

  const pieces = open({ offset: BigInt(offset), length: BigInt(length) }, leaving(reply))[Symbol.asyncIterator]();
  // If that fails, a page of the shop says so: it has none of the headers of the file.
  await pieces.next();
  return begin().send(Readable.from(bytesOf({ [Symbol.asyncIterator]: () => pieces }), { objectMode: false }));
}

async function* bytesOf(pieces: Pieces): AsyncGenerator<Uint8Array> {
  for await (const { data } of pieces) if (data.length > 0) yield data;
}

/** RFC 6266: a name in ASCII for those who understand no other, and the name. */
function dispositionOf(kind: "inline" | "attachment", name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
