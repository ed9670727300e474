import type { Metadata } from "@grpc/grpc-js";
import type { CallStatus, ServerInterceptor } from "./interceptor.ts";

const MAX_MESSAGE_LENGTH = 1_024;
/** Percent-encoded, as it is sent: half of what common proxies accept for all headers together (8 KiB). */
const MAX_MESSAGE_BYTES = 4_096;
/** The message and the trailers. What is left of the 8 KiB is for the headers of gRPC itself. */
const MAX_STATUS_BYTES = 7_680;

/**
 * Makes every status one that can be sent.
 *
 * A lone surrogate in the message, such as half of an emoji that a cut left
 * over, makes grpc-js throw while it sends, which ends the process; trailers
 * that are too large for the peer end the connection, and with it every other
 * call on it. So: a message of at most 1,024 characters, well formed, and no
 * more than 8 KiB for everything. Trailers that do not fit are left out.
 */
export function statusSanitizer(): ServerInterceptor {
  return { status: (_call, status) => sanitize(status) };
}

/** A message cut to what can be sent. */
export function sendableMessage(message: string): string {
  const short = message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
  // No UTF-16 unit takes more than nine bytes, so most messages need no counting.
  if (short.length * 9 <= MAX_MESSAGE_BYTES) return short;
  let bytes = 0;
  let end = 0;
  for (const character of short) {
    bytes += encodeURI(character).length;
    if (bytes > MAX_MESSAGE_BYTES) break;
    end += character.length;
  }
  return short.slice(0, end);
}

function sanitize(status: CallStatus): CallStatus {
  const details = sendableMessage(status.details);
  const tooLarge = status.metadata != null && sizeOf(status.metadata) + encodeURI(details).length > MAX_STATUS_BYTES;
  if (details === status.details && !tooLarge) return status;
  return { code: status.code, details, metadata: tooLarge ? undefined : status.metadata };
}

/** As HTTP/2 counts a header list: 32 bytes of overhead a field (RFC 9113, section 6.5.2). */
function sizeOf(metadata: Metadata): number {
  let bytes = 0;
  for (const [key, values] of Object.entries(metadata.toHttp2Headers())) {
    for (const value of Array.isArray(values) ? values : [values]) {
      bytes += key.length + Buffer.byteLength(String(value)) + 32;
    }
  }
  return bytes;
}
