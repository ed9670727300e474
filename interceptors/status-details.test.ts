import { Status as Code } from "nice-grpc";
import { Any } from "../gen/google/protobuf/any.ts";
import { ErrorInfo } from "../gen/google/rpc/error_details.ts";
import { Status } from "../gen/google/rpc/status.ts";
import { Failure } from "../runtime/errors.ts";
import { decodeDetails, encodeDetails } from "./status-details.ts";

const NOTHING = { reason: undefined, metadata: {}, violations: [], retryAfterMs: undefined };

test.each([
  ["a reason", { reason: "TAKEN" }],
  ["a reason and what it is about", { reason: "TAKEN", metadata: { slug: "dune", of: "book" } }],
  ["violations", { violations: [{ field: "authors[2].name", description: "is required" }] }],
  ["when to come again", { retryAfterMs: 0 }],
  ["a part of a second", { retryAfterMs: 1_250.5 }],
  ["everything", { reason: "R", metadata: { a: "b" }, violations: [{ field: "f", description: "d" }], retryAfterMs: 90_000 }],
])("reads again what it wrote: %s", (_name, told) => {
  const trailer = encodeDetails(Code.INVALID_ARGUMENT, "wrong", new Failure("invalid", "wrong", told));

  expect(decodeDetails(trailer)).toEqual({ ...NOTHING, ...told });
});

test("writes nothing for a failure that tells nothing", () => {
  expect(encodeDetails(Code.NOT_FOUND, "no such book", new Failure("not-found", "no such book"))).toBeUndefined();
});

test("carries the code and the message of the status, as google.rpc.Status asks", () => {
  const trailer = encodeDetails(Code.ABORTED, "again", new Failure("aborted", "again", { reason: "RACE" }));

  expect(Status.decode(trailer ?? Buffer.alloc(0))).toMatchObject({ code: Code.ABORTED, message: "again" });
});

test("names its domain, so that reasons of others are not mistaken for ours", () => {
  const trailer = encodeDetails(Code.ABORTED, "again", new Failure("aborted", "again", { reason: "RACE" }));

  const [detail] = Status.decode(trailer ?? Buffer.alloc(0)).details;
  expect(detail?.typeUrl).toBe("type.googleapis.com/google.rpc.ErrorInfo");
  expect(ErrorInfo.decode(detail?.value ?? Buffer.alloc(0)).domain).toBe("bookmesh.local");
});

test("leaves details out whose type it does not know, and keeps the others", () => {
  const unknown = { typeUrl: "type.googleapis.com/google.rpc.Help", value: Buffer.from([0xff]) };
  const known = {
    typeUrl: "type.googleapis.com/google.rpc.ErrorInfo",
    value: Buffer.from(ErrorInfo.encode(infoOf("KNOWN")).finish()),
  };
  const trailer = Status.encode({ code: Code.ABORTED, message: "", details: [unknown, known].map(Any.fromPartial) }).finish();

  expect(decodeDetails(trailer)).toEqual({ ...NOTHING, reason: "KNOWN" });
});

test.each([
  ["no trailer", undefined],
  ["an empty trailer", Buffer.alloc(0)],
  ["a trailer that is no status", Buffer.from([0xff, 0xff])],
])("knows nothing from %s", (_name, trailer) => {
  expect(decodeDetails(trailer)).toEqual(NOTHING);
});

function infoOf(reason: string): ErrorInfo {
  return ErrorInfo.fromPartial({ reason });
}
