import type { Metadata } from "@grpc/grpc-js";
import type { Status } from "nice-grpc-common";
import type { ServerCall } from "./server-call.ts";

/** How a call ended, as its caller sees it. */
export interface CallStatus {
  readonly code: Status;
  /** The message. */
  readonly details: string;
  /** The trailers. */
  readonly metadata?: Metadata | null | undefined;
}

/**
 * One link of the server chain: hooks around the life of a call.
 *
 * Hooks, not wrappers: they are plain function calls at the places where
 * grpc-js itself starts and ends a call. So they see every call in every way it
 * can end (answered, failed, malformed, timed out, left by its caller), each
 * once, and a streamed message costs nothing on its way through the chain.
 */
export interface ServerInterceptor {
  /**
   * The call has arrived, no message yet. A thrown error refuses it; links further in do not see it then.
   *
   * Where something has to be waited for it returns a Promise, which holds the call up.
   */
  start?(call: ServerCall): Promise<void> | undefined | void;
  /** A request message has arrived; the handler has not seen it. A thrown error ends the call. */
  message?(call: ServerCall, message: object): void;
  /** The status is about to be sent. Returns the one to send. Must not throw. */
  status?(call: ServerCall, status: CallStatus): CallStatus;
  /** The caller has its status, or is gone (then it is CANCELLED). Once for each start that did not throw. */
  finish?(call: ServerCall, status: CallStatus): void;
  /** finish has run and the handler has returned: nothing works for the call any more. */
  settle?(call: ServerCall): void;
}
