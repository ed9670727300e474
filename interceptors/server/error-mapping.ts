import { Metadata } from "@grpc/grpc-js";
import { isAbortError } from "abort-controller-x";
import { type CallContext, ClientError, ServerError, Status } from "nice-grpc-common";
import { currentCall } from "../../runtime/call-context.ts";
import { isStoreUnavailable } from "../../runtime/database.ts";
import { Failure, type FailureKind } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { encodeDetails, STATUS_DETAILS_KEY } from "../status-details.ts";
import type { CallStatus } from "./interceptor.ts";
import { ServerCall } from "./server-call.ts";
import { sendableMessage } from "./status-sanitizer.ts";

const statusOfKind: Record<FailureKind, Status> = {
  invalid: Status.INVALID_ARGUMENT,
  "out-of-range": Status.OUT_OF_RANGE,
  unauthenticated: Status.UNAUTHENTICATED,
  denied: Status.PERMISSION_DENIED,
  "not-found": Status.NOT_FOUND,
  conflict: Status.ALREADY_EXISTS,
  "failed-precondition": Status.FAILED_PRECONDITION,
  aborted: Status.ABORTED,
  exhausted: Status.RESOURCE_EXHAUSTED,
  unimplemented: Status.UNIMPLEMENTED,
  unavailable: Status.UNAVAILABLE,
  "deadline-exceeded": Status.DEADLINE_EXCEEDED,
};

/** Statuses of a call further on that are as true of the call that made it. */
const PASSED_ON: ReadonlySet<Status> = new Set([Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.RESOURCE_EXHAUSTED]);

/**
 * The status for what was thrown.
 *
 * A Failure keeps its message and details. A call further on that found nobody
 * or no time means the same for this one. Everything else is a bug: the whole
 * error goes to the log and the caller sees a bare INTERNAL, as its message may
 * hold data the caller must not read.
 */
export function statusOf(error: unknown, options: { logger: Logger; path: string }): CallStatus {
  if (error instanceof Failure) {
    const code = statusOfKind[error.kind];
    const details = encodeDetails(code, sendableMessage(error.message), error);
    if (details === undefined) return { code, details: error.message };
    const metadata = new Metadata();
    metadata.set(STATUS_DETAILS_KEY, details);
    return { code, details: error.message, metadata };
  }
  if (error instanceof ServerError) return { code: error.code, details: error.details };
  if (error instanceof ClientError && PASSED_ON.has(error.code)) {
    options.logger.warn({ err: error, path: options.path }, "a call further on failed");
    return { code: error.code, details: `${serviceOf(error.path)} did not answer` };
  }
  if (isStoreUnavailable(error)) {
    options.logger.error({ err: error, path: options.path }, "the store cannot be reached");
    return { code: Status.UNAVAILABLE, details: "the store cannot be reached" };
  }
  options.logger.error({ err: error, path: options.path }, "unexpected error in handler");
  return { code: Status.INTERNAL, details: "internal error" };
}

type Handler = (request: unknown, context: CallContext) => unknown;
/** Definitions of ts-proto have their methods in a field of their own. */
type Definition = { readonly methods: Methods } | Methods;
type Methods = Readonly<Record<string, { readonly responseStream: boolean }>>;

/**
 * An implementation whose methods turn what they throw into the status that the caller sees.
 *
 * The one part of the chain that wraps handlers instead of watching calls: only
 * here is the thrown error itself at hand. It also tells a call when its handler
 * begins and ends. No middleware of nice-grpc: that would pass each answer
 * through one more generator, which shows in the benchmark.
 */
export function withErrorMapping(definition: Definition, implementation: object, options: { logger: Logger }): object {
  const methods = Object.entries("methods" in definition ? (definition.methods as Methods) : definition);
  const handlers = implementation as Record<string, Handler>;
  const wrapped = methods.map(([key, { responseStream }]) => {
    const handle: Handler = (request, context) => (handlers[key] as Handler)(request, context);
    return [key, responseStream ? mappedStream(handle as StreamHandler, options) : mapped(handle, options)];
  });
  return Object.fromEntries(wrapped);
}

function mapped(handle: Handler, { logger }: { logger: Logger }): Handler {
  return async (request, context) => {
    const running = runningCall();
    running?.handlerStarted();
    try {
      return await handle(request, context);
    } catch (error: unknown) {
      throw mappedError(error, context, { logger, running });
    } finally {
      running?.handlerEnded();
    }
  };
}

type StreamHandler = (request: unknown, context: CallContext) => AsyncIterable<unknown>;

function mappedStream(handle: StreamHandler, { logger }: { logger: Logger }): StreamHandler {
  return async function* (request, context) {
    const running = runningCall();
    running?.handlerStarted();
    try {
      let made = 0;
      for await (const response of handle(request, context)) {
        yield response;
        const room = running?.roomForResponse(++made);
        if (room === undefined) continue;
        await room;
        // Nobody is there for what would be made next.
        if (running?.finished) return;
      }
    } catch (error: unknown) {
      throw mappedError(error, context, { logger, running });
    } finally {
      running?.handlerEnded();
    }
  };
}

function runningCall(): ServerCall | undefined {
  const current = currentCall();
  return current instanceof ServerCall ? current : undefined;
}

/** What nice-grpc makes the status of. */
function mappedError(
  error: unknown,
  context: CallContext,
  { logger, running }: { logger: Logger; running: ServerCall | undefined },
): unknown {
  if (isAbortError(error) && context.signal.aborted) return error;
  const status = statusOf(error, { logger, path: running?.path ?? "" });
  const details = status.metadata?.get(STATUS_DETAILS_KEY)[0];
  if (details instanceof Buffer) context.trailer.set(STATUS_DETAILS_KEY, details);
  return new ServerError(status.code, status.details);
}

function serviceOf(path: string): string {
  return path.slice(1, path.lastIndexOf("/"));
}
