import { isAbortError } from "abort-controller-x";
import { ClientError, type ClientMiddleware, Status } from "nice-grpc-common";
import type { Logger } from "../../runtime/logger.ts";

/** Statuses that say something about the request, not about the mesh. The caller deals with them. */
const ANSWERS: ReadonlySet<Status> = new Set([
  Status.INVALID_ARGUMENT,
  Status.NOT_FOUND,
  Status.ALREADY_EXISTS,
  Status.FAILED_PRECONDITION,
  Status.OUT_OF_RANGE,
  Status.UNAUTHENTICATED,
  Status.PERMISSION_DENIED,
]);

/** Writes a line for each call that failed because of the mesh or the server, not because of what was asked. */
export function failureLog(options: { logger: Logger }): ClientMiddleware {
  return async function* failureLogMiddleware(call, callOptions) {
    try {
      return yield* call.next(call.request, callOptions);
    } catch (error: unknown) {
      if (!isAbortError(error) && !(error instanceof ClientError && ANSWERS.has(error.code))) {
        const failure = error instanceof ClientError ? { status: Status[error.code], details: error.details } : { err: error };
        options.logger.warn({ path: call.method.path, ...failure }, "outgoing call failed");
      }
      throw error;
    }
  };
}
