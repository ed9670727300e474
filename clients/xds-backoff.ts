import { experimental } from "@grpc/grpc-js";

/** The longest back-off of what has not asked for another. Behind the relay of runtime/registry-relay.ts a second is enough. */
const LONGEST_MS = 1_000;
/** What grpc-js takes where nothing is asked for. */
const DEFAULT_LONGEST_MS = 120_000;

/** What a back-off of grpc-js has inside. */
interface Backoff {
  maxDelay: number;
  nextDelay: number;
}

let capped = false;

/**
 * Caps the back-offs of grpc-js that have no maximum of their own.
 *
 * grpc-js-xds 1.14 never resets the back-off of its stream to the control plane
 * (it has the method to do so, and does not call it): after ten registries that
 * were restarted in the life of a process, the process would be deaf for two
 * minutes whenever one is.
 */
export function capBackoffs(): void {
  if (capped) return;
  capped = true;
  const { runOnce } = experimental.BackoffTimeout.prototype;
  experimental.BackoffTimeout.prototype.runOnce = function (this: experimental.BackoffTimeout) {
    const backoff = this as unknown as Backoff;
    if (backoff.maxDelay === DEFAULT_LONGEST_MS) backoff.maxDelay = LONGEST_MS;
    backoff.nextDelay = Math.min(backoff.nextDelay, backoff.maxDelay);
    runOnce.call(this);
  };
}
