import { type ClientFactory, createClientFactory } from "nice-grpc";
import type { Logger } from "../../runtime/logger.ts";
import { type DeadlineOptions, deadline } from "./deadline.ts";
import { failureDetails } from "./failure-details.ts";
import { failureLog } from "./failure-log.ts";
import { lostResponse } from "./lost-response.ts";
import { traceContext } from "./trace-context.ts";
import { type UserTokenOptions, userToken } from "./user-token.ts";

/** What any call may pass, besides `metadata` and `signal`. */
export type ClientCallOptions = DeadlineOptions & UserTokenOptions;

/**
 * The chain of every client, written once.
 *
 * nice-grpc runs the interceptor attached last first. So, outermost first:
 * failures are logged as the caller sees them, one deadline covers everything
 * inside, a call whose response is lost is tried again, the trace and the token
 * of the user are passed on with each attempt, and closest to the wire the
 * details of a failed status are read.
 */
export function clientFactory(options: { logger: Logger }): ClientFactory<ClientCallOptions> {
  return createClientFactory()
    .use(failureDetails)
    .use(userToken)
    .use(traceContext)
    .use(lostResponse())
    .use(deadline)
    .use(failureLog(options));
}
