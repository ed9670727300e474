import { continueTrace } from "../../runtime/trace-context.ts";
import type { ServerInterceptor } from "./interceptor.ts";

/** Continues the trace of the caller's traceparent header, or starts one. */
export function traceContext(): ServerInterceptor {
  return {
    start(call) {
      const header = call.headers.traceparent;
      call.trace = continueTrace(typeof header === "string" ? header : undefined);
    },
  };
}
