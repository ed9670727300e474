import { Status } from "nice-grpc-common";
import type { MethodContract } from "../../runtime/contracts.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { ServerInterceptor } from "./interceptor.ts";

/** Statuses that are the server's fault (gRPC status codes, "Use cases"): logged at level error. */
const SERVER_FAULTS: ReadonlySet<Status> = new Set([Status.UNKNOWN, Status.INTERNAL, Status.DATA_LOSS]);

/**
 * Writes one line for each call, when it is over for its caller.
 *
 * Messages are never logged: they carry addresses, passwords and tokens.
 * Health checks and reflection are logged at level debug: probes come every few seconds.
 */
export function accessLog(options: { logger: Logger }): ServerInterceptor {
  const loggers = new Map<MethodContract, Logger>();
  /** What is the same in all lines of a method is written out once. */
  const loggerOf = (contract: MethodContract): Logger => {
    const known = loggers.get(contract);
    if (known !== undefined) return known;
    const made = options.logger.child({ path: contract.path });
    loggers.set(contract, made);
    return made;
  };
  return {
    finish(call, { code }) {
      const level = call.contract.infrastructure ? "debug" : SERVER_FAULTS.has(code) ? "error" : "info";
      loggerOf(call.contract)[level](
        {
          peer: call.peer,
          status: Status[code],
          durationMs: Math.round((performance.now() - call.startedAt) * 1_000) / 1_000,
          trace_id: call.trace.traceId,
          span_id: call.trace.spanId,
        },
        "call finished",
      );
    },
  };
}
