import { isAbortError } from "abort-controller-x";
import { ClientError, type ClientMiddleware, Metadata, Status } from "nice-grpc-common";
import { currentCall } from "../../runtime/call-context.ts";
import { methodContract } from "../../runtime/contracts.ts";

export interface DeadlineOptions {
  /**
   * How long to wait for the call, in milliseconds. The default is the
   * contract's; inside of another call, never longer than that call has left.
   */
  deadlineMs?: number;
}

/** gRPC over HTTP/2 allows eight digits and a unit, here milliseconds: about 28 hours. */
const LONGEST_MS = 99_999_999;

/**
 * Gives every call a deadline and sends it along, so that the server, and the
 * servers it calls in turn, stop working when nobody waits any more.
 *
 * @throws ClientError DEADLINE_EXCEEDED, at once and without a call if no time is left.
 */
export const deadline: ClientMiddleware<DeadlineOptions> = async function* deadlineMiddleware(call, options) {
  const { deadlineMs, signal, ...rest } = options;
  const { path } = call.method;
  const remainingMs = (currentCall()?.deadline ?? Number.POSITIVE_INFINITY) - Date.now();
  const budgetMs = Math.floor(Math.min(deadlineMs ?? methodContract(path).defaultDeadlineMs, remainingMs, LONGEST_MS));
  const exceeded = () => new ClientError(path, Status.DEADLINE_EXCEEDED, `deadline of ${Math.max(0, budgetMs)} ms exceeded`);
  if (!(budgetMs > 0)) throw exceeded();

  const controller = new AbortController();
  const forward = () => controller.abort();
  if (signal?.aborted) forward();
  signal?.addEventListener("abort", forward);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    controller.abort();
  }, budgetMs);
  // A stream that nobody reads to its end must not keep the process alive until its deadline.
  timer.unref();
  try {
    const metadata = Metadata(options.metadata).set("grpc-timeout", `${budgetMs}m`);
    return yield* call.next(call.request, { ...rest, metadata, signal: controller.signal });
  } catch (error: unknown) {
    throw timedOut && isAbortError(error) ? exceeded() : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", forward);
  }
};
