import { once } from "node:events";
import { connect as connectHttp2, constants, type OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { Status } from "nice-grpc-common";
import { EchoRequest, EchoResponse } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { currentCall } from "../../runtime/call-context.ts";
import { dummyClient } from "../../test/support/dummy-client.ts";
import { pathOf } from "../../test/support/four-kinds.ts";
import { frame, rawCall } from "../../test/support/raw-call.ts";
import { refusalOf } from "./request-checks.ts";

const PATH = pathOf("unary");
const SECRET = "s3cret";
const hello = frame(EchoRequest.encode(EchoRequest.fromPartial({ text: "hello" })).finish());
const echoed = frame(EchoResponse.encode({ text: "hello" }).finish());

const refusals: readonly [what: string, headers: OutgoingHttpHeaders, http: number, code: keyof typeof Status | ""][] = [
  ["by GET", { ":method": "GET" }, 405, ""],
  ["by HEAD", { ":method": "HEAD" }, 405, ""],
  ["by PUT", { ":method": "PUT" }, 405, ""],
  ["by OPTIONS", { ":method": "OPTIONS" }, 405, ""],
  ["by a verb that there is not", { ":method": SECRET }, 405, ""],
  ["without a content type", { "content-type": undefined }, 415, ""],
  ["of JSON", { "content-type": "application/json" }, 415, ""],
  ["of messages in JSON", { "content-type": "application/grpc+json" }, 415, ""],
  ["of gRPC-Web", { "content-type": "application/grpc-web+proto" }, 415, ""],
  ["of something that begins like gRPC", { "content-type": `application/grpc${SECRET}` }, 415, ""],
  ["of two content types", { "content-type": "application/grpc, application/grpc" }, 415, ""],
  ["to a method that is not there", { ":path": `/bookmesh.testing.v1.EchoService/${SECRET}` }, 200, "UNIMPLEMENTED"],
  ["to a service that is not there", { ":path": `/${SECRET}/Unary` }, 200, "UNIMPLEMENTED"],
  ["to a method with a query", { ":path": `${PATH}?${SECRET}` }, 200, "UNIMPLEMENTED"],
  ["to a method in other letters", { ":path": PATH.toLowerCase() }, 200, "UNIMPLEMENTED"],
  ["to a property of every object", { ":path": "/__proto__" }, 200, "UNIMPLEMENTED"],
  ["to the root", { ":path": "/" }, 200, "UNIMPLEMENTED"],
  ["with an empty timeout", { "grpc-timeout": "" }, 200, "INTERNAL"],
  ["with a timeout without a unit", { "grpc-timeout": "100" }, 200, "INTERNAL"],
  ["with a timeout without a number", { "grpc-timeout": "m" }, 200, "INTERNAL"],
  ["with a timeout in weeks", { "grpc-timeout": "1w" }, 200, "INTERNAL"],
  ["with a timeout in lower case", { "grpc-timeout": "1s" }, 200, "INTERNAL"],
  ["with a negative timeout", { "grpc-timeout": "-1S" }, 200, "INTERNAL"],
  ["with a broken timeout", { "grpc-timeout": "1.5S" }, 200, "INTERNAL"],
  ["with a timeout of nine digits", { "grpc-timeout": "000000001S" }, 200, "INTERNAL"],
  ["with a timeout and more", { "grpc-timeout": `1S ${SECRET}` }, 200, "INTERNAL"],
  ["with two timeouts", { "grpc-timeout": ["1S", "2S"] }, 200, "INTERNAL"],
];

test.each(refusals)(
  "refuses a request %s, counts it and logs it, and repeats nothing of it",
  async (_what, headers, http, code) => {
    await using dummy = await dummyClient();

    const answer = await rawCall({ port: dummy.port, path: PATH, headers });

    expect(answer.headers[":status"]).toBe(http);
    expect(answer.headers["grpc-status"]).toBe(code === "" ? undefined : String(Status[code]));
    expect(answer.body).toHaveLength(0);
    const refused = dummy.logs.with({ msg: "request refused" });
    expect(refused).toMatchObject([
      { level: 30, http, ...(code && { status: code }), peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
    ]);
    expect(JSON.stringify([refused, answer.headers])).not.toContain(SECRET);
    expect(await countsOf(dummy)).toEqual([{ labels: { http_status: http, grpc_code: code }, value: 1 }]);
    expect(dummy.server.takeLoad()).toMatchObject({ callsInFlight: 0, calls: [] });
  },
);

test.each([
  ["application/grpc"],
  ["application/grpc+proto"],
  ["application/grpc;charset=utf-8"],
  ["application/grpc+proto; charset=utf-8"],
])("takes a call of the content type %s", async (contentType) => {
  await using dummy = await dummyClient();

  const { status, body } = await rawCall({
    ...{ port: dummy.port, path: PATH, body: [hello] },
    headers: { "content-type": contentType },
  });

  expect(status).toBe(Status.OK);
  expect(body).toEqual(echoed);
});

test.each(["99999999H", "99999999M", "99999999S", "2147484S", "597H"])(
  "takes a timeout of %s for as long as timers can be, and no longer than the contract says",
  async (timeout) => {
    const deadlines: number[] = [];
    await using dummy = await dummyClient({}, { inHandler: () => deadlines.push((currentCall()?.deadline ?? 0) - Date.now()) });

    const { status } = await rawCall({ port: dummy.port, path: PATH, headers: { "grpc-timeout": timeout }, body: [hello] });

    expect(status).toBe(Status.OK);
    expect(deadlines).toEqual([expect.closeTo(60_000, -3)]);
  },
);

test.each([
  ["1H", "1H"],
  ["596H", "596H"],
  ["597H", "2147483S"],
  ["2147483S", "2147483S"],
  ["2147484S", "2147483S"],
  ["99999999m", "99999999m"],
  ["99999999u", "99999999u"],
  ["00000001n", "00000001n"],
])("lets grpc-js read a timeout of %s as %s", (sent, read) => {
  const headers = { ":method": "POST", ":path": PATH, "content-type": "application/grpc", "grpc-timeout": sent };

  expect(refusalOf(headers, new Set([PATH]))).toBeUndefined();
  expect(headers["grpc-timeout"]).toBe(read);
});

test.each(["0H", "0m", "00000000n", "1n"])("ends a call with a timeout of %s before its handler", async (timeout) => {
  await using dummy = await dummyClient();

  const { status } = await rawCall({ port: dummy.port, path: PATH, headers: { "grpc-timeout": timeout }, body: [hello] });

  expect(status).toBe(Status.DEADLINE_EXCEEDED);
  expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
});

test("closes a refused stream whose caller does not, and goes on with others on the same connection", async () => {
  await using dummy = await dummyClient();
  const session = connectHttp2(`http://127.0.0.1:${dummy.port}`);
  const call = { ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers" };

  const refused = session.request({ ...call, ":path": "/a/B" });
  refused.resume();
  await once(refused, "close");
  expect(refused.rstCode).toBe(constants.NGHTTP2_NO_ERROR);

  const taken = session.request(call);
  taken.end(hello);
  const parts: Buffer[] = await taken.toArray();
  expect(Buffer.concat(parts)).toEqual(echoed);
  session.destroy();
});

test.each(refusals.filter(([what]) => /GET|JSON|method that|weeks/.test(what)))(
  "goes on when a request %s is taken back as soon as it is sent",
  async (_what, headers) => {
    await using dummy = await dummyClient();
    const all = { ":method": "POST", ":path": PATH, "content-type": "application/grpc", ...headers };
    const requests = Array.from({ length: 100 }, (_, i) => [headersFrame(2 * i + 1, all), resetFrame(2 * i + 1)]);
    const socket = connect(dummy.port, "127.0.0.1").resume();

    // All in one packet: the server reads a request and its end at once.
    socket.write(Buffer.concat([PREFACE, SETTINGS, ...requests.flat(), GOAWAY]));
    await once(socket, "close");

    expect(await dummy.plain.unary({ text: "hello" })).toEqual({ text: "hello" });
    expect(dummy.server.takeLoad()).toMatchObject({ callsInFlight: 0, calls: [{ ended: 1n }] });
  },
);

async function countsOf({ metrics }: Pick<Awaited<ReturnType<typeof dummyClient>>, "metrics">) {
  return (await metrics.getSingleMetric("grpc_server_refused_requests_total")?.get())?.values;
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = http2Frame(4, 0, 0, Buffer.alloc(0));
const GOAWAY = http2Frame(7, 0, 0, Buffer.alloc(8));

/** A frame of RFC 9113, section 4.1. */
function http2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Headers as RFC 7541, section 6.2.2 has them at the simplest; the request goes on. */
function headersFrame(stream: number, headers: OutgoingHttpHeaders): Buffer {
  const all = Object.entries({ ":scheme": "http", ":authority": "dummy", ...headers }).sort();
  const text = (value: string) => [Buffer.of(value.length), Buffer.from(value)];
  const block = all.flatMap(([name, value]) => [Buffer.of(0), ...text(name), ...text(String(value))]);
  return http2Frame(1, 4, stream, Buffer.concat(block));
}

function resetFrame(stream: number): Buffer {
  return http2Frame(3, 0, stream, Buffer.of(0, 0, 0, constants.NGHTTP2_CANCEL));
}
