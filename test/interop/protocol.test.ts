// What doc/PROTOCOL-HTTP2.md and doc/compression.md of grpc/grpc ask of a server, with requests that no client would send.
import type { OutgoingHttpHeaders } from "node:http2";
import { deflateSync, gzipSync } from "node:zlib";
import { Status } from "nice-grpc-common";
import {
  SimpleRequest,
  SimpleResponse,
  StreamingInputCallRequest,
  StreamingInputCallResponse,
} from "../../gen/grpc/testing/test.ts";
import { frame, type RawAnswer, rawCall } from "../support/raw-call.ts";
import { type InteropServer, startInteropServer } from "./server.ts";
import { ECHO_INITIAL, ECHO_TRAILING } from "./service.ts";

const request = encode(SimpleRequest, { responseSize: 3, payload: { body: Buffer.alloc(100) } });
const response = encode(SimpleResponse, { payload: { body: Buffer.alloc(3) } });
const streamed = encode(StreamingInputCallRequest, { payload: { body: Buffer.alloc(10) } });

let server: InteropServer;
beforeAll(async () => {
  server = await startInteropServer("plaintext");
});
afterAll(() => server[Symbol.asyncDispose]());

interface Sent {
  method?: "UnaryCall" | "StreamingInputCall" | "StreamingOutputCall" | "Nothing";
  headers?: OutgoingHttpHeaders;
  body?: readonly Uint8Array[];
}

function send({ method = "UnaryCall", headers = {}, body = [frame(request)] }: Sent): Promise<RawAnswer> {
  return rawCall({ port: server.port, path: `/grpc.testing.TestService/${method}`, headers, body });
}

test.each<[string, Sent]>([
  ["with the content type application/grpc+proto", { headers: { "content-type": "application/grpc+proto" } }],
  ["with a parameter in its content type", { headers: { "content-type": "application/grpc; charset=utf-8" } }],
  ["without a user agent or an encoding that it accepts", {}],
  ["with a timeout of eight digits", { headers: { "grpc-timeout": "99999999m" } }],
  ["with the longest timeout there is", { headers: { "grpc-timeout": "99999999H" } }],
  ["that is compressed by gzip", { headers: { "grpc-encoding": "gzip" }, body: [frame(gzipSync(request), 1)] }],
  ["that is compressed by deflate", { headers: { "grpc-encoding": "deflate" }, body: [frame(deflateSync(request), 1)] }],
  ["that is not compressed although it could be", { headers: { "grpc-encoding": "gzip" } }],
  ["that says it is not compressed", { headers: { "grpc-encoding": "identity" } }],
  ["with a header that is reserved for later", { headers: { "grpc-later": "1" } }],
  ["with a header of bytes that are not ASCII", { headers: { [ECHO_INITIAL]: "caf\u00e9" } }],
  ["that comes byte by byte", { body: [...frame(request)].map((byte) => Buffer.of(byte)) }],
])("answers a call %s", async (_what, sent) => {
  const { status, headers, trailers, body } = await send(sent);

  expect(status).toBe(Status.OK);
  expect(body).toEqual(frame(response));
  expect(headers).toMatchObject({ ":status": 200, "content-type": "application/grpc+proto" });
  expect(headers).not.toHaveProperty("grpc-status");
  expect(trailers["grpc-status"]).toBe("0");
});

test.each<[string, readonly Uint8Array[]]>([
  ["each in a frame of HTTP/2 of its own", [frame(streamed), frame(streamed)]],
  ["together in one frame", [Buffer.concat([frame(streamed), frame(streamed)])]],
  ["byte by byte", [...frame(streamed), ...frame(streamed)].map((byte) => Buffer.of(byte))],
  ["with empty ones between them", [frame(streamed), frame(Buffer.of()), frame(Buffer.of()), frame(streamed)]],
])("reads the messages of a stream that come %s", async (_how, body) => {
  const answer = await send({ method: "StreamingInputCall", body });

  expect(answer.status).toBe(Status.OK);
  expect(answer.body).toEqual(frame(encode(StreamingInputCallResponse, { aggregatedPayloadSize: 20 })));
});

test.each<[string, Status, Sent]>([
  ["of a method that is not there", Status.UNIMPLEMENTED, { method: "Nothing" }],
  ["with a timeout without a unit", Status.INTERNAL, { headers: { "grpc-timeout": "1" } }],
  ["with a timeout in an unknown unit", Status.INTERNAL, { headers: { "grpc-timeout": "1s" } }],
  ["with a timeout of nine digits", Status.INTERNAL, { headers: { "grpc-timeout": "123456789m" } }],
  ["with a timeout that is negative", Status.INTERNAL, { headers: { "grpc-timeout": "-1S" } }],
  ["with something around its timeout", Status.INTERNAL, { headers: { "grpc-timeout": "a1Sb" } }],
  ["without a message", Status.UNIMPLEMENTED, { body: [] }],
  ["with two messages", Status.UNIMPLEMENTED, { body: [frame(request), frame(request)] }],
  ["of a server stream, without a message", Status.UNIMPLEMENTED, { method: "StreamingOutputCall", body: [] }],
  [
    "of a server stream, with two messages",
    Status.UNIMPLEMENTED,
    { method: "StreamingOutputCall", body: [frame(Buffer.of()), frame(Buffer.of())] },
  ],
  [
    "that is compressed as the server cannot read",
    Status.UNIMPLEMENTED,
    { headers: { "grpc-encoding": "snappy" }, body: [frame(request, 1)] },
  ],
  ["that is not compressed as it says", Status.INTERNAL, { headers: { "grpc-encoding": "gzip" }, body: [frame(request, 1)] }],
  [
    "that is compressed and cut off",
    Status.INTERNAL,
    { headers: { "grpc-encoding": "gzip" }, body: [frame(gzipSync(request).subarray(0, -9), 1)] },
  ],
  [
    "that is too large when it is inflated",
    Status.RESOURCE_EXHAUSTED,
    { headers: { "grpc-encoding": "gzip" }, body: [frame(gzipSync(Buffer.alloc(10_000_000)), 1)] },
  ],
  ["that announces 4 GiB", Status.RESOURCE_EXHAUSTED, { body: [Buffer.from([0, 0xff, 0xff, 0xff, 0xff])] }],
  ["that is no message of its type", Status.INTERNAL, { body: [frame(Buffer.from([0xff]))] }],
])("refuses a call %s", async (_what, status, sent) => {
  const answer = await send(sent);

  expect(Status[answer.status]).toBe(Status[status]);
  // Nothing but trailers: all in one block of headers.
  expect(answer.headers).toMatchObject({ ":status": 200, "grpc-status": String(status) });
  expect(answer.headers["content-type"]).toMatch(/^application\/grpc/);
  expect(answer.body).toHaveLength(0);
});

test.each([
  ["of text", "text/plain"],
  ["of JSON", "application/json"],
  ["that only begins as that of gRPC", "application/grpcfoo"],
  ["of gRPC-Web", "application/grpc-web"],
  ["that is not said", undefined],
])("answers a request with a content type %s with 415 and no status of gRPC", async (_what, contentType) => {
  const { headers } = await send({ headers: { "content-type": contentType } });

  expect(headers[":status"]).toBe(415);
  expect(headers).not.toHaveProperty("grpc-status");
});

test.each(["GET", "PUT", "DELETE", "OPTIONS"])("makes no call of a request by %s", async (method) => {
  const { headers } = await send({ headers: { ":method": method }, body: [] });

  expect(headers[":status"]).toBe(405);
});

test.each([
  ["with padding", "q6s="],
  ["without padding", "q6s"],
])("reads a binary header %s", async (_how, value) => {
  const { trailers } = await send({ headers: { [ECHO_TRAILING]: value } });

  expect(Buffer.from(String(trailers[ECHO_TRAILING]), "base64")).toEqual(Buffer.from([0xab, 0xab]));
});

test("sends a status message in nothing but printable ASCII", async () => {
  const message = "100%\t☺ ~ and\r\n😈";

  const answer = await send({ body: [frame(encode(SimpleRequest, { responseStatus: { code: 2, message } }))] });

  expect(answer.headers["grpc-message"]).toMatch(/^([\x20-\x24\x26-\x7e]|%[0-9A-F]{2})+$/);
  expect(answer.message).toBe(message);
});

test("sends a status message in nothing but printable ASCII for a path that has more", async () => {
  const { headers } = await rawCall({ port: server.port, path: "/caf\u00e9%zz/Call" });

  expect(headers["grpc-message"]).toMatch(/^([\x20-\x24\x26-\x7e]|%[0-9A-F]{2})+$/);
});

interface MessageType<Message, Partial> {
  encode(message: Message): { finish(): Uint8Array };
  fromPartial(partial: Partial): Message;
}

function encode<Message, Partial>(type: MessageType<Message, Partial>, partial: Partial): Uint8Array {
  return type.encode(type.fromPartial(partial)).finish();
}
