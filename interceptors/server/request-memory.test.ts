import { once } from "node:events";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import { Status } from "nice-grpc-common";
import { EchoRequest } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { type DummyOptions, dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, type Kind, kinds, pathOf } from "../../test/support/four-kinds.ts";
import { CALLER_HEADER } from "../../test/support/plaintext.ts";
import { frame } from "../../test/support/raw-call.ts";
import { decodeDetails } from "../status-details.ts";

/** What the contract of EchoService says. */
const MAX_REQUEST_BYTES = 4_096;
/** Room for requests of three callers at most. */
const LITTLE_ROOM = { maxMessageMemoryBytes: 12_000 };

test.each(endings)("gives back what a $kind call took that $ending", async ({ play }) => {
  await using dummy = await dummyClient(endingCases, LITTLE_ROOM);

  // Each takes a few hundred bytes, and one caller may have six thousand.
  for (let i = 0; i < 30; i++) await play(dummy);
  while (dummy.logs.with({ msg: "handled" }).length < dummy.logs.with({ msg: "handling" }).length) {
    await new Promise(setImmediate);
  }

  await expect(call(dummy.client, "unary", "x".repeat(1_500))).resolves.toHaveLength(1);
});

describe.each(kinds)("a %s request", (kind) => {
  test("that says it is larger than its contract allows is refused before it is sent", async () => {
    await using setup = await start();

    const stream = setup.send(kind, frame(Buffer.alloc(MAX_REQUEST_BYTES + 1)).subarray(0, 5));

    expect(await stream.refusal()).toEqual({
      status: Status.RESOURCE_EXHAUSTED,
      message: "the request is larger than 4096 bytes",
      reason: "REQUEST_TOO_LARGE",
    });
  });

  test("that becomes larger than its contract allows when it is inflated is refused", async () => {
    await using setup = await start();
    const bomb = gzipSync(Buffer.alloc(1_000_000));

    const stream = setup.send(kind, frame(bomb, 1), { "grpc-encoding": "gzip" });

    expect(await stream.refusal()).toMatchObject({ status: Status.RESOURCE_EXHAUSTED, reason: "REQUEST_TOO_LARGE" });
  });

  test("that is not complete takes room until it is gone", async () => {
    await using setup = await start(LITTLE_ROOM);
    const open = setup.send(kind, frame(request("x".repeat(2_000))).subarray(0, -1));
    const another = setup.send(kind, frame(request("x".repeat(2_000))).subarray(0, -1));

    const refused = setup.send(kind, frame(request("x".repeat(2_000))));
    expect(await refused.refusal()).toMatchObject({ status: Status.RESOURCE_EXHAUSTED, reason: "OVERLOADED" });

    await Promise.all([open.leave(), another.leave()]);
    await expect(call(setup.dummy.client, kind, "x".repeat(2_000))).resolves.toHaveLength(1);
  });

  test("is refused for want of room to those alone who have taken it", async () => {
    await using setup = await start(LITTLE_ROOM);
    const greedy = { [CALLER_HEADER]: "greedy" };
    const opened = [1, 2, 3].map(() => setup.send(kind, frame(request("x".repeat(2_000))).subarray(0, -1), greedy));
    await Promise.race(opened.map((stream) => stream.refusal()));

    await expect(call(setup.dummy.client, kind, "x".repeat(2_000))).resolves.toHaveLength(1);
  });

  test("of thousands of small bombs is refused while few of them are inflated", async () => {
    await using setup = await start();
    const bombs = Buffer.concat(Array(3_000).fill(frame(gzipSync(Buffer.alloc(4_000)), 1)));

    const stream = setup.send(kind, bombs, { "grpc-encoding": "gzip" });

    expect((await stream.refusal()).status).not.toBe(Status.OK);
  });
});

test("a call of a caller who has taken all room is refused before anything of it is read", async () => {
  await using setup = await start({ maxMessageMemoryBytes: 6_000 });
  const open = setup.send("bidiStreaming", frame(request("x".repeat(2_500))).subarray(0, -1));
  await setup.dummy.logs.find({ msg: "handling" });
  await new Promise(setImmediate);

  const refused = setup.send("unary", Buffer.alloc(0));

  expect(await refused.refusal()).toMatchObject({ status: Status.RESOURCE_EXHAUSTED, reason: "OVERLOADED" });
  await open.leave();
});

test("a stream has room again for each message that is with its handler", async () => {
  await using dummy = await dummyClient({}, LITTLE_ROOM);
  const requests = async function* () {
    for (let i = 0; i < 100; i++) yield { text: "x".repeat(2_000) };
  };

  const texts = await Array.fromAsync(dummy.client.bidiStreaming(requests()));

  expect(texts).toHaveLength(100);
});

function request(text: string): Uint8Array {
  return EchoRequest.encode(EchoRequest.fromPartial({ text })).finish();
}

/** A server, and a connection to send it what no client would. */
async function start(options: DummyOptions = {}) {
  const dummy = await dummyClient({}, options);
  const session = connect(`http://127.0.0.1:${dummy.port}`);
  return {
    dummy,
    send: (kind: Kind, bytes: Uint8Array, headers: Record<string, string> = {}) => send(session, kind, bytes, headers),
    async [Symbol.asyncDispose]() {
      session.destroy();
      await dummy[Symbol.asyncDispose]();
    },
  };
}

/** Sends the beginning of a request, which is not ended. */
function send(session: ClientHttp2Session, kind: Kind, bytes: Uint8Array, headers: Record<string, string>) {
  const stream = session.request({
    ...{ ":method": "POST", ":path": pathOf(kind), te: "trailers", "content-type": "application/grpc" },
    ...headers,
  });
  const received: IncomingHttpHeaders[] = [];
  stream.on("response", (part) => received.push(part)).on("trailers", (part) => received.push(part));
  stream.on("error", () => {});
  stream.resume();
  stream.write(bytes);
  const closed = once(stream, "close");
  return {
    async refusal() {
      await closed;
      const last = received.findLast((part) => "grpc-status" in part) ?? {};
      const { reason } = decodeDetails(Buffer.from(String(last["grpc-status-details-bin"] ?? ""), "base64"));
      return { status: Number(last["grpc-status"]), message: decodeURIComponent(String(last["grpc-message"])), reason };
    },
    async leave() {
      stream.close(8);
      stream.destroy();
      await closed;
    },
  };
}
