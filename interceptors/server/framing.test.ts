import { once } from "node:events";
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import { jest } from "@jest/globals";
import { Status } from "nice-grpc-common";
import { EchoRequest, EchoResponse } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { Failure } from "../../runtime/errors.ts";
import { type Dummy, dummyClient, raises } from "../../test/support/dummy-client.ts";
import { kinds, pathOf } from "../../test/support/four-kinds.ts";
import { frame, rawCall } from "../../test/support/raw-call.ts";

const hello = request("hello");

let dummy: Dummy;
beforeEach(async () => {
  dummy = await dummyClient({ fail: raises(new Failure("not-found", "no such echo")) });
});
afterEach(() => dummy[Symbol.asyncDispose]());

describe.each(kinds)("a %s call", (kind) => {
  const call = (body: readonly Uint8Array[], encoding?: string) =>
    rawCall({ port: dummy.port, path: pathOf(kind), body, headers: { "grpc-encoding": encoding } });

  test.each([2, 3, 128, 255])("whose message begins with %i ends with INTERNAL", async (flag) => {
    const message = frame(hello);
    message[0] = flag;

    expect(await call([message], "gzip")).toMatchObject({
      status: Status.INTERNAL,
      message: "a message begins with neither 0 nor 1",
    });
    expect(dummy.logs.with({ msg: "call finished", status: "INTERNAL" })).toHaveLength(1);
  });

  test.each([undefined, "identity"])("whose message is compressed ends with INTERNAL if the encoding is %s", async (encoding) => {
    expect(await call([frame(gzipSync(hello), 1)], encoding)).toMatchObject({
      status: Status.INTERNAL,
      message: "a message is compressed, but no grpc-encoding says how",
    });
  });

  test("whose message is compressed in an unknown way ends with UNIMPLEMENTED, and its caller is told the ways there are", async () => {
    const { status, headers, trailers } = await call([frame(hello, 1)], "snappy");

    expect(status).toBe(Status.UNIMPLEMENTED);
    expect({ ...headers, ...trailers }["grpc-accept-encoding"]).toBe("identity,deflate,gzip");
  });

  test.each([
    ["within the flag and the length", frame(hello).subarray(0, 3)],
    ["within the message", frame(hello).subarray(0, -1)],
  ])("whose request ends %s ends with INTERNAL", async (_where, rest) => {
    expect(await call([rest])).toMatchObject({ status: Status.INTERNAL, message: "the request ends within a message" });
  });

  test("whose request ends within a second message ends with INTERNAL, whatever the first one was", async () => {
    const { status } = await call([frame(hello), frame(hello).subarray(0, -1)]);

    expect(status).toBe(Status.INTERNAL);
    await dummy.logs.find({ msg: "call finished", status: "INTERNAL" });
  });

  test("with all that is allowed is answered", async () => {
    const { status, body } = await call([frame(gzipSync(hello), 1)], "gzip");

    expect(status).toBe(Status.OK);
    expect(body).toEqual(frame(EchoResponse.encode({ text: "hello" }).finish()));
  });
});

describe("a caller that does not end its request", () => {
  let session: ClientHttp2Session;
  beforeEach(() => {
    session = connect(`http://127.0.0.1:${dummy.port}`);
  });
  afterEach(() => session.destroy());

  /** Resolves when the server has closed the stream. */
  async function callOpen(path: string, ...messages: Uint8Array[]) {
    const headers = { ":method": "POST", ":path": path, te: "trailers", "content-type": "application/grpc" };
    const stream = session.request(headers);
    const received: IncomingHttpHeaders[] = [];
    let bytes = 0;
    stream.on("response", (part) => received.push(part)).on("trailers", (part) => received.push(part));
    stream.on("data", (part: Buffer) => {
      bytes += part.length;
    });
    for (const message of messages) stream.write(message);
    await once(stream, "close");
    return { status: Number(received.at(-1)?.["grpc-status"]), blocks: received.length, bytes, resetCode: stream.rstCode };
  }

  test.each(kinds)("has its stream closed when a %s call is refused", async (kind) => {
    expect(await callOpen(pathOf(kind), frame(Buffer.from([0xff])))).toEqual({
      status: Status.INTERNAL,
      blocks: 1,
      bytes: 0,
      resetCode: 0,
    });
  });

  test("has its stream closed when there is no such method", async () => {
    expect(await callOpen("/no.such.v1.Service/Call", frame(hello))).toMatchObject({
      status: Status.UNIMPLEMENTED,
      resetCode: 0,
    });
  });

  test("has its stream closed when the handler fails after responses, and gets all of them", async () => {
    const text = "x".repeat(2_000);
    const copies = 1_000;

    const { status, blocks, bytes, resetCode } = await callOpen(
      pathOf("bidiStreaming"),
      frame(request(text, copies)),
      frame(request("fail")),
    );

    expect({ status, blocks, resetCode }).toEqual({ status: Status.NOT_FOUND, blocks: 2, resetCode: 0 });
    expect(bytes).toBe(copies * frame(EchoResponse.encode({ text }).finish()).length);
  });

  test("does not keep a server that stops from stopping", async () => {
    const stream = session.request({ ":method": "POST", ":path": pathOf("bidiStreaming"), "content-type": "application/grpc" });
    stream.resume();
    await dummy.logs.find({ msg: "handling" });

    await dummy.server.drain();

    expect(dummy.logs.with({ msg: "call finished", status: "UNAVAILABLE" })).toHaveLength(1);
  });
});

test.each(kinds)("what a caller of a %s call does not read is kept no longer than a while after the deadline", async (kind) => {
  const { setTimeout } = globalThis;
  const hurry = (action: () => void, ms: number) => setTimeout(action, ms === 30_000 ? 10 : ms);
  jest.spyOn(globalThis, "setTimeout").mockImplementation(hurry as never);
  const session = connect(`http://127.0.0.1:${dummy.port}`, { settings: { initialWindowSize: 0 } });
  const headers = { ":method": "POST", ":path": pathOf(kind), "content-type": "application/grpc", "grpc-timeout": "100m" };
  const stream = session.request(headers).resume();

  stream.end(frame(hello));
  await once(stream, "close");
  session.destroy();
  jest.restoreAllMocks();

  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
  expect(dummy.logs.with({ msg: "call finished" })).toMatchObject([{ status: "DEADLINE_EXCEEDED" }]);
});

function request(text: string, copies = 1): Uint8Array {
  return EchoRequest.encode(EchoRequest.fromPartial({ text, copies })).finish();
}
