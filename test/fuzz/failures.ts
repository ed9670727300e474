import { ServerError, Status } from "nice-grpc-common";
import { EchoRequest } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { Failure } from "../../runtime/errors.ts";
import { frame } from "../support/raw-call.ts";
import type { FuzzCase } from "./case.ts";
import type { FuzzMethod } from "./methods.ts";

const CUT_EMOJI = "cut 😀".slice(0, -1);
const manyViolations = Array.from({ length: 1_000 }, (_, index) => ({
  field: `${CUT_EMOJI}[${index}]`,
  description: CUT_EMOJI,
}));

interface HardToSend {
  readonly error: unknown;
  readonly status: Status;
}

/** What the echo of the target fails with, by the text that it is asked to echo. */
export const FAILURES: Readonly<Record<string, HardToSend>> = {
  "a cut emoji": { error: new Failure("not-found", CUT_EMOJI), status: Status.NOT_FOUND },
  "a cut emoji in the middle": { error: new Failure("conflict", CUT_EMOJI + "ü".repeat(2_000)), status: Status.ALREADY_EXISTS },
  "only halves": { error: new Failure("aborted", "\udc00\ud800".repeat(600)), status: Status.ABORTED },
  "100 KB": { error: new Failure("invalid", "x".repeat(100_000)), status: Status.INVALID_ARGUMENT },
  "100 KB of emoji": { error: new Failure("denied", "😀".repeat(50_000)), status: Status.PERMISSION_DENIED },
  "control characters": { error: new Failure("invalid", "a\r\ngrpc-status: 0\0\u007f"), status: Status.INVALID_ARGUMENT },
  "percent signs": { error: new Failure("out-of-range", "100%%41%zz%"), status: Status.OUT_OF_RANGE },
  "large metadata": {
    error: new Failure("exhausted", "no", { reason: "LARGE", metadata: { text: CUT_EMOJI.repeat(5_000) } }),
    status: Status.RESOURCE_EXHAUSTED,
  },
  "many violations": {
    error: new Failure("invalid", CUT_EMOJI, { violations: manyViolations }),
    status: Status.INVALID_ARGUMENT,
  },
  "a status of nice-grpc": { error: new ServerError(Status.DATA_LOSS, CUT_EMOJI.repeat(1_000)), status: Status.DATA_LOSS },
  "an error": { error: new Error(`secret ${CUT_EMOJI}`), status: Status.INTERNAL },
  "no error": { error: CUT_EMOJI, status: Status.INTERNAL },
};

/** Requests that each echo answers with a failure that is hard to send. */
export function failuresOf(method: FuzzMethod): FuzzCase[] {
  if (method.input.typeName !== "bookmesh.testing.v1.EchoRequest") return [];
  return Object.entries(FAILURES).map(([text, { status }]) => {
    const message = Buffer.from(EchoRequest.encode(EchoRequest.fromPartial({ text })).finish());
    return { kind: "hostile status", about: text, method, body: frame(message), statuses: [status] };
  });
}
