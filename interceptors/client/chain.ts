import { type ClientFactory, createClientFactory } from "nice-grpc";
import type { Logger } from "../../runtime/logger.ts";
import { type DeadlineOptions, deadline } from "./deadline.ts";
import { failureDetails } from "./failure-details.ts";
import { failureLog } from "./failure-log.ts";
import { lostResponse } from "./lost-response.ts";
import { traceContext } from "./trace-context.ts";

/** What any call may pass, besides `metadata` and `signal`. */
export type ClientCallOptions = DeadlineOptions;

/**
 * The chain of every client, written once.
 *
 * nice-grpc runs the interceptor attached last first. So, outermost first:
 * failures are logged as the caller sees them, one deadline covers everything
 * inside, a call whose response is lost is tried again, the trace is passed on
 * with each attempt, and closest to the wire the details of a failed status are
 * read. The user's token has its place after the trace.
 */
export function clientFactory(options: { logger: Logger }): ClientFactory<ClientCallOptions> {
  return createClientFactory().use(failureDetails).use(traceContext).use(lostResponse()).use(deadline).use(failureLog(options));
}
