import type { Fault } from "../routing.ts";
import { duration } from "./duration.ts";
import { type AnyMessage, pack } from "./protos.ts";

/** The name of the filter in the listener, by which the routes override it. */
export const FAULT_FILTER = "envoy.fault";

/** Stand in where there is no delay and no abort: drawn for 0% of the calls. */
const NO_DELAY_MS = 1;
const UNAVAILABLE = 14;

/**
 * The settings of the fault filter (gRFC A33). Undefined: no fault.
 *
 * Delay and abort are always there, if need be for 0% of the calls: grpc-js
 * 1.14 drops an update that only adds something to what was there before.
 */
export function httpFault(fault: Fault | undefined): AnyMessage {
  const { percent = 0, delayMs = 0, abortCode = 0 } = fault ?? {};
  return pack("envoy.extensions.filters.http.fault.v3.HTTPFault", {
    delay: {
      fixed_delay: duration(delayMs || NO_DELAY_MS),
      percentage: { numerator: delayMs > 0 ? percent : 0, denominator: "HUNDRED" },
    },
    abort: {
      grpc_status: abortCode || UNAVAILABLE,
      percentage: { numerator: abortCode > 0 ? percent : 0, denominator: "HUNDRED" },
    },
  });
}
