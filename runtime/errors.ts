/**
 * The ways a call can fail that a caller is told about.
 *
 * Domain code throws a Failure of one of these kinds; only
 * interceptors/server/error-mapping.ts knows which gRPC status each becomes.
 * Anything else that is thrown is a bug: the caller sees INTERNAL without detail.
 */
export const failureKinds = [
  "invalid",
  "out-of-range",
  "unauthenticated",
  "denied",
  "not-found",
  "conflict",
  "failed-precondition",
  "aborted",
  "exhausted",
  "unimplemented",
  "unavailable",
  "deadline-exceeded",
] as const;

export type FailureKind = (typeof failureKinds)[number];

/** One field of a request that is not as the contract asks. */
export interface FieldViolation {
  /** The path of the field, in the names of the contract: "authors[2].name". */
  field: string;
  /** What is asked for. Never the value that was sent. */
  description: string;
}

export interface FailureOptions extends ErrorOptions {
  /** A constant that programs can rely on, in UPPER_SNAKE_CASE: google.rpc.ErrorInfo.reason. */
  reason?: string;
  /** What the reason is about: google.rpc.ErrorInfo.metadata. Nothing sensitive. */
  metadata?: Readonly<Record<string, string>>;
  /** The fields that are wrong: google.rpc.BadRequest. */
  violations?: readonly FieldViolation[];
  /** When trying again may help, in milliseconds from now: google.rpc.RetryInfo. */
  retryAfterMs?: number;
}

export class Failure extends Error {
  override readonly name = "Failure";
  readonly kind: FailureKind;
  readonly reason: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  /** @param message shown to the caller: no ids of other users, no SQL, no file paths. */
  constructor(kind: FailureKind, message: string, options: FailureOptions = {}) {
    super(message, options);
    this.kind = kind;
    this.reason = options.reason;
    this.metadata = options.metadata ?? {};
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A Failure about one field of the request. */
export function invalidField(field: string, description: string): Failure {
  return new Failure("invalid", `${field} ${description}`, { violations: [{ field, description }] });
}
