import { delay } from "abort-controller-x";
import { type CallOptions, ClientError, type ClientMiddleware, Metadata, Status } from "nice-grpc-common";
import { type MethodContract, methodContract } from "../../runtime/contracts.ts";

/** How many attempts came before. Clients tell servers; gRPC also tells its caller, with the first metadata of a response. */
const PREVIOUS_ATTEMPTS_KEY = "grpc-previous-rpc-attempts";
/** In how many milliseconds the server wants to be called again. Whatever is no such number means never. */
const PUSHBACK_KEY = "grpc-retry-pushback-ms";
/** As clients/channel.ts has it for the retries that are gRPC's. */
const BACKOFF_MULTIPLIER = 2;

/**
 * Tries a call again whose response was lost: its headers had come, and then
 * the connection broke. gRPC does not, and a server that is killed may have
 * sent them and not yet the status (docs/decisions/0013-lost-responses.md).
 *
 * For unary calls of methods whose contract has retries, and as it says. Attempts
 * that gRPC made before the headers came count.
 *
 * An UNAVAILABLE that the server sent after headers looks the same unless it has
 * trailers, so it is tried again too: it means that one may, the method is
 * idempotent, and a server that does not want it says so (`grpc-retry-pushback-ms`).
 *
 * The caller hears of one attempt, the last: of its headers and trailers when it is over.
 */
export function lostResponse(): ClientMiddleware {
  const budget = new RetryBudget();
  // No generator itself: what is never tried again has nothing more to pass through.
  return function lostResponseMiddleware(call, options) {
    const { retry } = methodContract(call.method.path);
    if (retry === undefined || call.requestStream || call.responseStream) return call.next(call.request, options);
    return tryAgain((attempt) => call.next(call.request, attempt), options, { retry, budget });
  };
}

/** @param next makes one attempt. */
async function* tryAgain<Response>(
  next: (attempt: CallOptions) => AsyncGenerator<never, Response, undefined>,
  options: CallOptions,
  { retry, budget }: { retry: NonNullable<MethodContract["retry"]>; budget: RetryBudget },
): AsyncGenerator<never, Response, undefined> {
  const startedAt = performance.now();
  let header: Metadata | undefined;
  let trailer: Metadata | undefined;
  const attempt: CallOptions = {
    ...options,
    onHeader: (received) => {
      header = received;
    },
    onTrailer: (received) => {
      trailer = received;
    },
  };
  let attempts = 0;
  let backoffMs = retry.initialBackoffMs;
  /** How long to wait before the next attempt. Undefined if there is to be none. */
  const pauseAfter = (error: unknown): number | undefined => {
    if (!(error instanceof ClientError) || error.code !== Status.UNAVAILABLE) return undefined;
    budget.spend();
    if (header === undefined) return undefined;
    attempts += 1 + countOf(header.get(PREVIOUS_ATTEMPTS_KEY));
    if (attempts >= retry.maxAttempts || budget.isSpent) return undefined;
    const pushback = trailer?.get(PUSHBACK_KEY);
    if (pushback !== undefined) {
      backoffMs = retry.initialBackoffMs;
      return COUNT.test(pushback) ? Number(pushback) : undefined;
    }
    const pauseMs = backoffMs * (0.8 + 0.4 * Math.random());
    backoffMs = Math.min(backoffMs * BACKOFF_MULTIPLIER, retry.maxBackoffMs);
    return pauseMs;
  };

  while (true) {
    let pauseMs: number | undefined;
    try {
      const response = yield* next(attempt);
      budget.earn();
      return response;
    } catch (error: unknown) {
      pauseMs = pauseAfter(error);
      if (pauseMs === undefined) throw error;
    } finally {
      if (pauseMs === undefined) {
        if (header !== undefined) options.onHeader?.(header);
        if (trailer !== undefined) options.onTrailer?.(trailer);
      }
    }
    await delay(options.signal ?? new AbortController().signal, pauseMs);
    header = undefined;
    trailer = undefined;
    attempt.metadata = metadataAgain(options.metadata, attempts, performance.now() - startedAt);
  }
}

/** Tells the server of the attempts before, and how much is left of the time that they all share. */
function metadataAgain(metadata: Metadata | undefined, attempts: number, elapsedMs: number): Metadata {
  const again = Metadata(metadata).set(PREVIOUS_ATTEMPTS_KEY, String(attempts));
  // As deadline.ts writes it.
  const timeoutMs = again.get("grpc-timeout")?.match(/^(\d+)m$/)?.[1];
  if (timeoutMs !== undefined) again.set("grpc-timeout", `${Math.max(1, Math.floor(Number(timeoutMs) - elapsedMs))}m`);
  return again;
}

/** Nine digits: milliseconds that a timer can wait for. */
const COUNT = /^\d{1,9}$/;

function countOf(value: string | undefined): number {
  return value !== undefined && COUNT.test(value) ? Number(value) : 0;
}

const MAX_TOKENS = 100;
const TOKENS_OF_SUCCESS = 0.1;

/**
 * Keeps retries from making an outage worse (retryThrottling of gRFC A6). A call
 * that fails with UNAVAILABLE takes a token, one that succeeds puts a tenth of one
 * back, and nothing is tried again while half of them or more are gone: nearly
 * fifty calls at once, and one in ten in the long run.
 */
class RetryBudget {
  #tokens = MAX_TOKENS;

  get isSpent(): boolean {
    return this.#tokens <= MAX_TOKENS / 2;
  }

  spend(): void {
    this.#tokens = Math.max(0, this.#tokens - 1);
  }

  earn(): void {
    this.#tokens = Math.min(MAX_TOKENS, this.#tokens + TOKENS_OF_SUCCESS);
  }
}
