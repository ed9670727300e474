import { Failure } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { spiffeId } from "../../runtime/spiffe.ts";
import type { ServerInterceptor } from "./interceptor.ts";
import type { ServerCall } from "./server-call.ts";

/** The rule of the contract that says who may call. */
const RULE = "mesh.policy.v1.method.callers";
const ANYBODY = "*";

/**
 * Refuses callers that the contract of the method does not name.
 *
 * Health checks and reflection are open to every identity of the mesh.
 */
export function authorization(options: { logger: Logger }): ServerInterceptor {
  const audit = (call: ServerCall, reason: string) => {
    const caller = call.caller && spiffeId(call.caller);
    options.logger.warn({ audit: true, reason, path: call.path, peer: call.peer, caller }, "call refused");
  };
  return {
    start(call) {
      const { caller, contract } = call;
      if (caller === undefined) {
        audit(call, "CALLER_UNKNOWN");
        throw new Failure("unauthenticated", "the caller proves no identity of this mesh", { reason: "CALLER_UNKNOWN" });
      }
      // The certificate was valid when the connection was opened.
      if (call.callerValidUntil < Date.now()) {
        audit(call, "CALLER_EXPIRED");
        throw new Failure("unauthenticated", "the certificate of the caller has expired", { reason: "CALLER_EXPIRED" });
      }
      if (contract.callers.includes(ANYBODY) || contract.callers.includes(caller.name)) return;
      audit(call, "CALLER_NOT_ALLOWED");
      throw new Failure("denied", `${caller.name} may not call ${contract.path}`, {
        reason: "CALLER_NOT_ALLOWED",
        metadata: { rule: RULE, method: contract.path, caller: caller.name },
      });
    },
  };
}
