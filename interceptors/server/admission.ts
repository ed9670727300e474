import { Failure } from "../../runtime/errors.ts";
import type { ServerInterceptor } from "./interceptor.ts";

/** How long a refused caller should wait: about what a burst takes to pass. */
const RETRY_AFTER_MS = 250;

export interface AdmissionOptions {
  /** The most unary calls that are worked on at once. */
  maxCallsInFlight: number;
  /** The most streams that are open at once. */
  maxOpenStreams: number;
}

/**
 * Refuses calls over the limit with RESOURCE_EXHAUSTED, so that those that were
 * admitted still finish in time.
 *
 * A call counts until its handler has returned, also when its caller has left:
 * callers who leave early cannot pile up work. Streams are counted apart, as
 * they stay open for an hour doing little. Health checks are never refused: an
 * orchestrator would restart a process for being busy.
 */
export function admission(options: AdmissionOptions): ServerInterceptor {
  const limits = { unary: options.maxCallsInFlight, stream: options.maxOpenStreams };
  const counts = { unary: 0, stream: 0 };
  return {
    start({ contract }) {
      if (contract.infrastructure) return;
      const kind = contract.kind === "unary" ? "unary" : "stream";
      if (counts[kind] >= limits[kind]) {
        throw new Failure("exhausted", "too many calls in flight", { reason: "OVERLOADED", retryAfterMs: RETRY_AFTER_MS });
      }
      counts[kind]++;
    },
    settle({ contract }) {
      if (!contract.infrastructure) counts[contract.kind === "unary" ? "unary" : "stream"]--;
    },
  };
}
