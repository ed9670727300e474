import { jest } from "@jest/globals";
import { Status } from "nice-grpc";
import { EchoRequest } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, open, pathOf, rejection } from "../../test/support/four-kinds.ts";
import { frame, rawCall } from "../../test/support/raw-call.ts";
import { decodeDetails } from "../status-details.ts";

/** What the contract of EchoService says. */
const MAX_REQUEST_BYTES = 4_096;

test.each(endings)("lets a $kind call pass that $ending", async ({ play, status }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status });
});

test.each(kinds)("refuses a %s request that is larger than its contract allows", async (kind) => {
  const answer = jest.fn(async (text: string) => text);
  const tooLarge = "x".repeat(MAX_REQUEST_BYTES);
  await using dummy = await dummyClient({ [tooLarge]: answer });

  const error = await rejection(call(dummy.client, kind, tooLarge));

  expect(error).toMatchObject({
    code: Status.RESOURCE_EXHAUSTED,
    details: "the request is larger than 4096 bytes",
    reason: "REQUEST_TOO_LARGE",
  });
  expect(answer).not.toHaveBeenCalled();
  expect(dummy.logs.with({ msg: "call finished" })).toMatchObject([{ status: "RESOURCE_EXHAUSTED" }]);
});

test.each(kinds)("measures a %s request before it is decoded", async (kind) => {
  await using dummy = await dummyClient();

  const answer = await rawCall({
    port: dummy.port,
    path: pathOf(kind),
    body: [frame(Buffer.alloc(MAX_REQUEST_BYTES + 1, 0xff))],
  });

  // Decoding it would have ended in INTERNAL.
  expect(answer.status).toBe(Status.RESOURCE_EXHAUSTED);
});

test("takes a request of exactly the size that is allowed, and none of a byte more", async () => {
  await using dummy = await dummyClient();

  const fits = await rawCall({ port: dummy.port, path: pathOf("unary"), body: [frame(requestOf(MAX_REQUEST_BYTES))] });
  const larger = await rawCall({ port: dummy.port, path: pathOf("unary"), body: [frame(requestOf(MAX_REQUEST_BYTES + 1))] });

  expect([fits.status, larger.status]).toEqual([Status.OK, Status.RESOURCE_EXHAUSTED]);
});

test("measures each message of a stream", async () => {
  await using dummy = await dummyClient();
  const answered = Promise.withResolvers<void>();
  const requests = async function* () {
    yield { text: "small" };
    await answered.promise;
    yield { text: "x".repeat(MAX_REQUEST_BYTES) };
  };
  const texts: string[] = [];
  const reading = async () => {
    for await (const { text } of dummy.client.bidiStreaming(requests())) {
      texts.push(text);
      answered.resolve();
    }
  };

  await expect(reading()).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  expect(texts).toEqual(["small"]);
});

test("ends a call whose message is beyond what any connection takes", async () => {
  await using dummy = await dummyClient();

  const error = await rejection(dummy.client.unary({ text: "x".repeat(4_194_304 - 100) }));
  const head = Buffer.from([0, 0, 0x50, 0, 0]);
  const answer = await rawCall({ port: dummy.port, path: pathOf("unary"), body: [head] });

  expect(error).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  expect(answer.status).toBe(Status.RESOURCE_EXHAUSTED);
  expect(dummy.logs.with({ msg: "call finished", status: "RESOURCE_EXHAUSTED" })).toHaveLength(2);
});

test("says nothing about the size of responses", async () => {
  await using dummy = await dummyClient({ large: () => "x".repeat(MAX_REQUEST_BYTES * 10) });

  const responses = await Array.fromAsync(open(dummy.client, "serverStreaming", "large"));

  expect(responses.length).toBeGreaterThan(0);
  expect(new Set(responses.map(({ text }) => text.length))).toEqual(new Set([MAX_REQUEST_BYTES * 10]));
});

test.each(kinds)("refuses a %s request with a string that is no UTF-8, and names it", async (kind) => {
  const answer = jest.fn(async (text: string) => text);
  await using dummy = await dummyClient({ "caf\ufffd": answer });
  const text = Buffer.from("café", "latin1");

  const { status, message, headers, trailers } = await rawCall({
    port: dummy.port,
    path: pathOf(kind),
    body: [frame(Buffer.concat([Buffer.from([0x0a, text.length]), text]))],
  });

  expect({ status, message }).toEqual({ status: Status.INVALID_ARGUMENT, message: "text must be UTF-8" });
  const details = String({ ...headers, ...trailers }["grpc-status-details-bin"]);
  expect(decodeDetails(Buffer.from(details, "base64")).violations).toEqual([{ field: "text", description: "must be UTF-8" }]);
  expect(answer).not.toHaveBeenCalled();
});

test.each(kinds)("refuses a %s request that is no message, as gRPC has it", async (kind) => {
  await using dummy = await dummyClient();

  const { status, message } = await rawCall({ port: dummy.port, path: pathOf(kind), body: [frame(Buffer.from([0]))] });

  expect({ status, message }).toEqual({ status: Status.INTERNAL, message: "the request is no message of its contract" });
});

/** A request that is valid and has so many bytes: the rest is a field that the contract does not know. */
function requestOf(bytes: number): Buffer {
  const request = EchoRequest.encode(EchoRequest.fromPartial({ text: "hello" })).finish();
  const rest = bytes - request.length - 4;
  // Field 100, length-delimited, and the length in two bytes.
  const head = Buffer.from([0xa2, 0x06, (rest & 0x7f) | 0x80, rest >> 7]);
  return Buffer.concat([request, head, Buffer.alloc(rest)]);
}
