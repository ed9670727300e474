import { type ClientMiddleware, Metadata } from "nice-grpc-common";
import { currentCall } from "../../runtime/call-context.ts";
import { startTrace, traceparentOf } from "../../runtime/trace-context.ts";

/** Passes the trace of the current call on, or starts one. */
export const traceContext: ClientMiddleware = async function* traceContextMiddleware(call, options) {
  const trace = currentCall()?.trace ?? startTrace();
  const metadata = Metadata(options.metadata).set("traceparent", traceparentOf(trace));
  return yield* call.next(call.request, { ...options, metadata });
};
