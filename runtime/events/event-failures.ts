import { ClientError, Status } from "nice-grpc-common";
import { isStoreUnavailable } from "../database.ts";
import { Failure, type FailureKind } from "../errors.ts";

const AWAY_STATUSES: ReadonlySet<Status> = new Set([Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.RESOURCE_EXHAUSTED]);
const AWAY_KINDS: ReadonlySet<FailureKind> = new Set(["unavailable", "deadline-exceeded", "exhausted"]);
/** What a service answers that is broken, or of another version than its caller: that may be over when its deployment is. */
const UNWELL_STATUSES: ReadonlySet<Status> = new Set([
  Status.UNKNOWN,
  Status.INTERNAL,
  Status.UNIMPLEMENTED,
  Status.PERMISSION_DENIED,
  Status.UNAUTHENTICATED,
]);
/** SQLSTATEs of PostgreSQL for a transaction that got in the way of another one, or of a store that stalls: serialization, deadlock, lock, time limit. */
const BUSY: ReadonlySet<unknown> = new Set(["40001", "40P01", "55P03", "57014"]);
const LONGEST_LINE = 300;

/** Whether an error says that something which is needed is away or busy: that says nothing of the event. */
export function isAway(error: unknown): boolean {
  if (error instanceof ClientError) return AWAY_STATUSES.has(error.code);
  if (error instanceof Failure) return AWAY_KINDS.has(error.kind);
  return isStoreUnavailable(error) || (Error.isError(error) && BUSY.has((error as { code?: unknown }).code));
}

/** Whether an error says that another service is there and not well: nobody can tell whether that is for the event, or for now. */
export function isUnwell(error: unknown): boolean {
  return error instanceof ClientError && UNWELL_STATUSES.has(error.code);
}

/**
 * An error in one line, to be shown to operators.
 *
 * Of errors that are not made to be shown only the kind: their messages may hold data.
 */
export function inOneLine(error: unknown): string {
  const line = sentence(error).replaceAll(/\s+/g, " ");
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE).toWellFormed()}…` : line;
}

function sentence(error: unknown): string {
  if (error instanceof ClientError) return `${Status[error.code]}: ${error.details}`;
  if (error instanceof Failure) return `${error.kind}: ${error.message}`;
  if (!Error.isError(error)) return "something was thrown that is no error";
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  const [name, ...more] = [error.name, code, constraint].filter((part) => typeof part === "string" || typeof part === "number");
  return more.length === 0 ? `${name}` : `${name} (${more.join(", ")})`;
}
