import { Metadata } from "@grpc/grpc-js";
import { isAbortError } from "abort-controller-x";
import { ClientError, ServerError, type ServerMiddleware, Status } from "nice-grpc-common";
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

/**
 * Turns what a handler throws into the status that the caller sees.
 *
 * The one link of the chain that wraps the handler instead of watching the
 * call: only here is the thrown error itself at hand. It also tells the call
 * when its handler begins and ends.
 */
export function errorMapping(options: { logger: Logger }): ServerMiddleware {
  return async function* errorMappingMiddleware(call, context) {
    const current = currentCall();
    const running = current instanceof ServerCall ? current : undefined;
    running?.handlerStarted();
    try {
      if (!call.responseStream || running === undefined) return yield* call.next(call.request, context);
      let made = 0;
      for await (const response of call.next(call.request, context)) {
        yield response;
        const room = running.roomForResponse(++made);
        if (room === undefined) continue;
        await room;
        // Nobody is there for what would be made next.
        if (running.finished) return;
      }
    } catch (error: unknown) {
      if (isAbortError(error) && context.signal.aborted) throw error;
      const status = statusOf(error, { logger: options.logger, path: call.method.path });
      const details = status.metadata?.get(STATUS_DETAILS_KEY)[0];
      if (details instanceof Buffer) context.trailer.set(STATUS_DETAILS_KEY, details);
      throw new ServerError(status.code, status.details);
    } finally {
      running?.handlerEnded();
    }
  };
}

function serviceOf(path: string): string {
  return path.slice(1, path.lastIndexOf("/"));
}
