import { Status } from "nice-grpc-common";
import { Failure } from "../../runtime/errors.ts";
import type { CallStatus, ServerInterceptor } from "./interceptor.ts";
import type { ServerCall } from "./server-call.ts";

const EXCEEDED: CallStatus = { code: Status.DEADLINE_EXCEEDED, details: "deadline exceeded" };

/**
 * Gives every call a deadline: the caller's, or the contract's default, and
 * never a longer one than the contract allows.
 *
 * grpc-js itself ends a call at the caller's deadline. This ends the others.
 */
export function deadline(): ServerInterceptor {
  const timers = new WeakMap<ServerCall, NodeJS.Timeout>();
  return {
    start(call) {
      const { defaultDeadlineMs, maxDeadlineMs } = call.contract;
      const asked = call.getDeadline();
      if (asked !== Number.POSITIVE_INFINITY) {
        const remainingMs = asked - Date.now();
        // Nobody waits for it any more.
        if (remainingMs <= 0) throw new Failure("deadline-exceeded", EXCEEDED.details);
        if (remainingMs <= maxDeadlineMs) {
          call.deadline = asked;
          return;
        }
      }
      const ms = asked === Number.POSITIVE_INFINITY ? defaultDeadlineMs : maxDeadlineMs;
      call.deadline = Date.now() + ms;
      timers.set(
        call,
        setTimeout(() => call.end(EXCEEDED), ms),
      );
    },
    finish(call) {
      clearTimeout(timers.get(call));
    },
  };
}
