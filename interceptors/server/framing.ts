import { constants, type ServerHttp2Stream } from "node:http2";
import { Metadata, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { Status } from "nice-grpc-common";
import type { CallStatus } from "./interceptor.ts";

/** What a call of grpc-js keeps to itself. */
interface Internals {
  readonly stream: ServerHttp2Stream;
  readonly decoder: { readonly readState: number };
  /** Whether headers have been sent, so that a status has to follow in trailers. */
  readonly metadataSent: boolean;
  /** @throws a status. */
  decompressMessage(frame: Buffer, encoding: string): Uint8Array | Promise<Uint8Array>;
  handleEndEvent(): void;
  sendStatus: ServerInterceptingCallInterface["sendStatus"];
}

/** The decoder has read whole messages and nothing of another. */
const BETWEEN_MESSAGES = 0;
const ENCODINGS = ["identity", "deflate", "gzip"];

const NO_FLAG: CallStatus = { code: Status.INTERNAL, details: "a message begins with neither 0 nor 1" };
const NO_ENCODING: CallStatus = { code: Status.INTERNAL, details: "a message is compressed, but no grpc-encoding says how" };
const INCOMPLETE: CallStatus = { code: Status.INTERNAL, details: "the request ends within a message" };

/**
 * Ends a call whose request is no sequence of messages with INTERNAL.
 *
 * grpc-js takes any flag for a message that is not compressed, and drops the
 * beginning of a message that the request ends in: a stream that a proxy has cut
 * would look complete.
 */
export function checkFraming(call: ServerInterceptingCallInterface): void {
  const internals = call as unknown as Internals;
  // The same functions for all calls: to make them anew each time shows in the benchmark.
  internals.decompressMessage = decompressMessage;
  internals.handleEndEvent = handleEndEvent;
}

function decompressMessage(this: Internals, frame: Buffer, encoding: string): Uint8Array | Promise<Uint8Array> {
  const flag = frame[0];
  if (flag !== 0 && flag !== 1) throw NO_FLAG;
  if (flag === 1 && encoding === "identity") throw NO_ENCODING;
  if (!ENCODINGS.includes(encoding)) throw unknownEncoding();
  return (Object.getPrototypeOf(this) as Internals).decompressMessage.call(this, frame, encoding);
}

function handleEndEvent(this: Internals): void {
  if (this.decoder.readState === BETWEEN_MESSAGES) (Object.getPrototypeOf(this) as Internals).handleEndEvent.call(this);
  else this.sendStatus({ ...INCOMPLETE, metadata: null });
}

/** How long a caller may take to read what was sent before the end. */
const UNREAD_MS = 30_000;

/**
 * Ends the request of a call whose status has been sent, if its caller has not,
 * and gives up what its caller does not read.
 *
 * Otherwise the stream stays open for as long as the caller likes: it counts
 * among those of its connection, is kept with all that waits to be read, and
 * keeps a server that stops from stopping.
 */
export function endRequest(call: ServerInterceptingCallInterface): void {
  const { stream, metadataSent } = call as unknown as Internals;
  const close = () => {
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  };
  if (stream.destroyed) return;
  if (stream.writableLength > 0) {
    const giveUp = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), UNREAD_MS).unref();
    stream.once("close", () => clearTimeout(giveUp));
  }
  if (stream.readableEnded) return;
  // Trailers go out after all messages; grpc-js has asked to be told before this does.
  if (metadataSent) stream.once("wantTrailers", () => setImmediate(close));
  else setImmediate(close);
}

function unknownEncoding(): CallStatus {
  const metadata = new Metadata();
  metadata.set("grpc-accept-encoding", ENCODINGS.join(","));
  return { code: Status.UNIMPLEMENTED, details: "the message is compressed in an unknown way", metadata };
}
