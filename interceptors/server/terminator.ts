import { Status } from "nice-grpc-common";
import { Failure } from "../../runtime/errors.ts";
import type { CallStatus, ServerInterceptor } from "./interceptor.ts";
import type { ServerCall } from "./server-call.ts";

const STOPPING: CallStatus = { code: Status.UNAVAILABLE, details: "the server is shutting down" };

export interface Terminator extends ServerInterceptor {
  /** Ends every open stream with UNAVAILABLE and refuses new ones. Unary calls go on. */
  endStreams(): void;
  /** Ends every open call with UNAVAILABLE. @returns their paths. */
  endCalls(): readonly string[];
}

/** Knows the open calls, and ends the long ones when the server stops. */
export function terminator(): Terminator {
  const open = new Set<ServerCall>();
  let stopping = false;
  return {
    start(call) {
      if (stopping && call.contract.kind !== "unary") throw new Failure("unavailable", STOPPING.details);
      open.add(call);
    },
    finish(call) {
      open.delete(call);
    },
    endStreams() {
      stopping = true;
      for (const call of open) {
        if (call.contract.kind !== "unary") call.end(STOPPING);
      }
    },
    endCalls() {
      stopping = true;
      const paths = [...open].map((call) => call.path);
      for (const call of open) call.end(STOPPING);
      return paths;
    },
  };
}
