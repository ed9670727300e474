import { ClientError, type ClientMiddleware, type Metadata, type Status } from "nice-grpc-common";
import type { FieldViolation } from "../../runtime/errors.ts";
import { decodeDetails, type FailureDetails, STATUS_DETAILS_KEY } from "../status-details.ts";

/** A failed call, with everything the server told about it. */
export class CallFailure extends ClientError implements FailureDetails {
  readonly reason: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  constructor(path: string, code: Status, message: string, details: FailureDetails) {
    super(path, code, message);
    this.reason = details.reason;
    this.metadata = details.metadata;
    this.violations = details.violations;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Turns every ClientError into a CallFailure, which carries the google.rpc details of the status. */
export const failureDetails: ClientMiddleware = async function* failureDetailsMiddleware(call, options) {
  let trailer: Metadata | undefined;
  const onTrailer = (received: Metadata) => {
    trailer = received;
    options.onTrailer?.(received);
  };
  try {
    return yield* call.next(call.request, { ...options, onTrailer });
  } catch (error: unknown) {
    if (!(error instanceof ClientError)) throw error;
    throw new CallFailure(error.path, error.code, error.details, decodeDetails(trailer?.get(STATUS_DETAILS_KEY)));
  }
};
