import type { ServerHttp2Stream } from "node:http2";

/** What a call of grpc-js keeps to itself. */
export interface Inside {
  readonly stream: ServerHttp2Stream;
  readonly decoder: Decoder;
  /** The grpc-encoding. */
  readonly incomingEncoding: string;
  /** The most bytes that a message may have when it is inflated. */
  maxReceiveMessageSize: number;
  /** @throws a status. */
  decompressMessage(frame: Buffer, encoding: string): Uint8Array | Promise<Uint8Array>;
}

/** What makes messages of the bytes of a request. */
export interface Decoder {
  /** The most bytes that a message may have as it is sent. */
  maxReadMessageLength: number;
  readonly readState: number;
  /** The first byte before a message. */
  readCompressFlag: Buffer;
  /** What has come of a message that is not complete. */
  readonly readPartialMessage: Buffer[];
  /** @returns what has become complete. @throws Error if a message says that it is larger than it may be. */
  write(data: Buffer): Buffer[];
}

/** The read state in which nothing of another message has come. */
export const BETWEEN_MESSAGES = 0;

const FLAGS = Array.from({ length: 256 }, (_, flag) => Buffer.of(flag));
/** Parts of fewer bytes are put together. */
const SMALL_BYTES = 4_096;

/**
 * Lets a decoder that waits for the rest of a message keep its part alone.
 *
 * The part lies in a buffer of up to 64 KiB with whatever has come on the
 * connection at the same time, and one that comes a byte at a time would be as
 * many buffers, each of which takes a hundred bytes.
 */
export function keepNoMoreThanNeeded(decoder: Decoder): void {
  decoder.readCompressFlag = FLAGS[decoder.readCompressFlag[0] ?? 0] as Buffer;
  const parts = decoder.readPartialMessage;
  const last = parts.pop();
  if (last === undefined) return;
  const together = [last];
  let bytes = last.length;
  // Each byte is copied as many times as the message doubles, at most.
  for (let part = parts.at(-1); part !== undefined && part.length <= bytes && bytes < SMALL_BYTES; part = parts.at(-1)) {
    together.unshift(part);
    bytes += part.length;
    parts.pop();
  }
  // Not from the pool that all small buffers share a piece of.
  const copy = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const part of together) at += part.copy(copy, at);
  parts.push(copy);
}
