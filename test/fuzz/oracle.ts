import { Status } from "nice-grpc-common";
import { contracts } from "../../runtime/contracts.ts";
import type { FuzzCase, Outcome } from "./case.ts";
import { readStrictly } from "./reference.ts";
import { CANARY } from "./values.ts";

/** How a case may end. */
export interface Expectation {
  readonly statuses: ReadonlySet<Status>;
  /** One of these fields has to be named. Undefined: none has to. */
  readonly named?: readonly string[];
  /** A stream may also go on, with answers or without. */
  readonly stays: boolean;
  /** Instead of with a status. */
  readonly endings: ReadonlySet<Outcome["ending"]>;
  readonly http: number | undefined;
  /** It may also be refused because there is no room for it at the moment. */
  readonly overloads: boolean;
}

/** Statuses of a server that has understood the request. It has no others to give to what a caller does. */
const UNDERSTOOD: readonly Status[] = [
  ...[Status.OK, Status.INVALID_ARGUMENT, Status.NOT_FOUND, Status.ALREADY_EXISTS, Status.PERMISSION_DENIED],
  ...[Status.RESOURCE_EXHAUSTED, Status.FAILED_PRECONDITION, Status.ABORTED, Status.OUT_OF_RANGE, Status.UNAUTHENTICATED],
];
/** gRPC's own table of statuses has INTERNAL for a request that cannot be parsed. */
const MALFORMED: readonly Status[] = [Status.INTERNAL, Status.INVALID_ARGUMENT];

/** What only libraries and stacks say. */
const NOT_FOR_CALLERS =
  /\n\s+at |node_modules|file:\/\/|\.[jt]s:\d|is not a function|Cannot read|is not iterable|RangeError|TypeError|premature EOF|invalid wire type|recursion|deserializ|SQLITE|constraint/i;

/** Below what is common for proxies to take. */
const MOST_HEADER_BYTES = 8_192;
const LONGEST_MESSAGE = 1_024;

/** How a case has to end, which mostly follows from the message in it. */
export function expectationOf(one: FuzzCase): Expectation {
  const { statuses, stays, ...rest } = expectedOf(one);
  return {
    ...rest,
    statuses: new Set([...statuses, ...(one.allows ?? [])]),
    stays,
    endings: new Set([...(one.endings ?? ["status"]), ...(stays ? (["open"] as const) : [])]),
    http: one.http,
    // Inflating takes as much as the largest message there may be, of which there is room for a few at a time.
    overloads: one.headers?.["grpc-encoding"] !== undefined,
  };
}

type Expected = Pick<Expectation, "statuses" | "stays" | "named">;

function expectedOf(one: FuzzCase): Expected {
  const { contract, input } = one.method;
  // Methods that are in a hurry.
  const hurried = contract.defaultDeadlineMs < 1_000 ? [Status.DEADLINE_EXCEEDED] : [];
  const only = (statuses: readonly Status[], named?: readonly string[]): Expected => ({
    ...{ statuses: new Set([...statuses, ...hurried]), stays: false },
    ...(named && { named }),
  });
  if (one.statuses !== undefined) return only(one.statuses);
  const understood: Expected = {
    statuses: new Set([...UNDERSTOOD, ...hurried, ...(contract.kind === "unary" ? [] : [Status.DEADLINE_EXCEEDED])]),
    stays: contract.kind !== "unary",
  };
  if (one.message === undefined) return understood;
  if (one.message.length > contract.maxRequestBytes) return only([Status.RESOURCE_EXHAUSTED]);
  const { malformed, noText } = readStrictly(input, one.message);
  if (malformed === "perhaps") return { ...understood, statuses: new Set([...understood.statuses, ...MALFORMED]) };
  if (malformed) return only(MALFORMED);
  if (noText.length > 0) return only([Status.INVALID_ARGUMENT], noText);
  // protobufjs refuses a field that has another type than it should, and there are no rules for fields.
  if (one.method.registry !== contracts) return { ...understood, statuses: new Set([...understood.statuses, ...MALFORMED]) };
  return one.breaks === undefined ? understood : only([Status.INVALID_ARGUMENT], [one.breaks]);
}

/** What is wrong with how a case ended. Undefined: nothing. */
export function problemOf({ statuses, named, endings, http, overloads }: Expectation, outcome: Outcome): string | undefined {
  if (!endings.has(outcome.ending)) return `ended by ${outcome.ending} ${outcome.http ?? outcome.resetCode ?? ""}`;
  if (outcome.ending === "http" && outcome.http !== http) return `HTTP ${outcome.http}, not ${http}`;
  if (outcome.ending !== "status") return undefined;
  const { status = Status.UNKNOWN, fields = [], reason } = outcome;
  if (overloads && status === Status.RESOURCE_EXHAUSTED && reason === "OVERLOADED") return problemOfText(outcome);
  if (!statuses.has(status)) return `${Status[status]}, not ${[...statuses].map((one) => Status[one]).join(" or ")}`;
  if (named !== undefined && status !== Status.DEADLINE_EXCEEDED && !fields.some((field) => named.includes(field))) {
    return `names ${fields.join() || "nothing"}, not ${named.join(" or ")}`;
  }
  return problemOfText(outcome);
}

function problemOfText({ message = "", headerBytes = 0 }: Outcome): string | undefined {
  if (headerBytes > MOST_HEADER_BYTES) return `a status of ${headerBytes} bytes`;
  const text = decoded(message);
  if (text === undefined) return "a message that is not well-formed";
  if (text.length > LONGEST_MESSAGE) return `a message of ${text.length} characters`;
  if (text.includes(CANARY)) return "a message with a canary in it";
  return NOT_FOR_CALLERS.test(text) ? `a message for developers: ${text.slice(0, 100)}` : undefined;
}

function decoded(message: string): string | undefined {
  try {
    return decodeURIComponent(message);
  } catch {
    return undefined;
  }
}
