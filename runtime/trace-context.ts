import { getRandomValues } from "node:crypto";

/** Where a call stands in its trace (W3C Trace Context, level 1). */
export interface TraceContext {
  /** 32 hexadecimal digits, the same for all calls of one trace. */
  readonly traceId: string;
  /** 16 hexadecimal digits, this call's own. */
  readonly spanId: string;
  /** The caller's span. Undefined where the trace starts here. */
  readonly parentSpanId: string | undefined;
  /** Whether the caller asked for the trace to be recorded. */
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

/**
 * The context of a call that arrives with this traceparent header.
 *
 * A header that is missing or malformed starts a new trace, as the
 * specification asks (section 3.2.2).
 */
export function continueTrace(traceparent: string | undefined): TraceContext {
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  if (match === null) return startTrace();
  const [, version, traceId, parentSpanId, flags, rest] = match as unknown as [string, string, string, string, string, string?];
  if (version === "ff" || traceId === NO_TRACE || parentSpanId === NO_SPAN) return startTrace();
  // Only version 00 has a fixed length; later ones may append fields.
  if (version === "00" && rest !== undefined) return startTrace();
  return { traceId, spanId: newSpanId(), parentSpanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The context of a call that starts a trace. */
export function startTrace(): TraceContext {
  return { traceId: randomHex(16), spanId: newSpanId(), parentSpanId: undefined, sampled: false };
}

/** The traceparent header for calls made on behalf of this one. */
export function traceparentOf(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.sampled ? "01" : "00"}`;
}

function newSpanId(): string {
  return randomHex(8);
}

// One system call fills the pool for hundreds of ids.
const pool = Buffer.alloc(8192);
let used = pool.length;

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    getRandomValues(pool);
    used = 0;
  }
  const start = used;
  used += bytes;
  return pool.toString("hex", start, used);
}
