import type { Metadata } from "@grpc/grpc-js";
import type { CallStatus, ServerInterceptor } from "./interceptor.ts";

/** Half of what common proxies accept for all headers together (8 KiB), percent-encoding included. */
const MAX_DETAILS_LENGTH = 1_024;
const MAX_TRAILER_BYTES = 8_192;

/**
 * Makes every status one that can be sent.
 *
 * A lone surrogate in the message, such as half of an emoji that a cut left
 * over, makes grpc-js throw while it sends, which ends the process; trailers
 * that are too large for the peer end the connection, and with it every other
 * call on it. So: at most 1,024 characters, well formed, and at most 8 KiB of trailers.
 */
export function statusSanitizer(): ServerInterceptor {
  return { status: (_call, status) => sanitize(status) };
}

function sanitize(status: CallStatus): CallStatus {
  const details = status.details.slice(0, MAX_DETAILS_LENGTH).toWellFormed();
  const tooLarge = status.metadata != null && sizeOf(status.metadata) > MAX_TRAILER_BYTES;
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
