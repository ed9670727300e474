import { once } from "node:events";
import { type ClientHttp2Stream, connect, constants, type ServerHttp2Stream } from "node:http2";
import { Writable } from "node:stream";
import { jest } from "@jest/globals";
import { EchoRequest } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { type DummyOptions, dummyClient } from "../../test/support/dummy-client.ts";
import { call, type Kind, kinds, pathOf } from "../../test/support/four-kinds.ts";
import { CALLER_HEADER } from "../../test/support/plaintext.ts";
import { frame } from "../../test/support/raw-call.ts";
import { FairBudget } from "./fair-budget.ts";
import { UnreadResponses } from "./unread-responses.ts";

const LARGE = "x".repeat(100_000);
/** Room for two answers of that size to one caller, and for one to another. */
const LITTLE_ROOM = { maxMessageMemoryBytes: 900_000 };

describe.each(kinds)("the answer to a %s call", (kind) => {
  test("that is not read takes room until its caller is gone", async () => {
    await using setup = await start(LITTLE_ROOM);
    const [first] = [await setup.unread(kind), await setup.unread(kind)];

    const refused = await setup.unread(kind);
    if (!refused.closed) await once(refused, "close");
    expect(refused.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    await setup.dummy.logs.find({ msg: "call finished", status: "RESOURCE_EXHAUSTED" });

    await leave(first);
    await expect(call(setup.dummy.client, kind, "large")).resolves.toEqual([LARGE]);
  });

  test("takes the room of those alone who do not read", async () => {
    await using setup = await start(LITTLE_ROOM);
    for (let i = 0; i < 3; i++) await setup.unread(kind, { [CALLER_HEADER]: "greedy" });

    await expect(call(setup.dummy.client, kind, "large")).resolves.toEqual([LARGE]);
  });

  test("takes room no more when it has been read", async () => {
    await using setup = await start(LITTLE_ROOM);

    for (let i = 0; i < 20; i++) await expect(call(setup.dummy.client, kind, "large")).resolves.toEqual([LARGE]);
  });
});

test.each(["serverStreaming", "bidiStreaming"] as const)("a %s call makes no large answers for later", async (kind) => {
  await using setup = await start();

  const stream = await setup.unread(kind, {}, 1_000);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);

  expect(setup.made()).toBe(1);
  await leave(stream);
  await setup.dummy.logs.find({ msg: "handled" });
});

test.each(["serverStreaming", "bidiStreaming"] as const)("a %s call of many large answers gets all of them", async (kind) => {
  await using setup = await start(LITTLE_ROOM);

  await expect(call(setup.dummy.client, kind, { text: "large", copies: 50 })).resolves.toHaveLength(50);
});

describe("an answer of the machinery", () => {
  test("takes room only when it has not been read for a while", () => {
    const { budget, stream, read, tick } = machinery(1_000_000);

    stream.write(Buffer.alloc(100_000));
    expect(budget.left).toBe(1_000_000);
    tick();
    expect(budget.left).toBe(800_000);
    read();
    expect(budget.left).toBe(1_000_000);
  });

  test("takes none when it has been read by then", () => {
    const { budget, stream, read, tick } = machinery(1_000_000);

    stream.write(Buffer.alloc(100_000));
    read();
    tick();

    expect(budget.left).toBe(1_000_000);
  });

  test("ends its call when there is no room by then", () => {
    const { stream, tick, fail, close } = machinery(100_000);

    stream.write(Buffer.alloc(100_000));
    tick();

    expect(fail).toHaveBeenCalledWith(expect.objectContaining({ kind: "exhausted", reason: "OVERLOADED" }));
    expect(close).toHaveBeenCalledWith(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });
});

/** The answers of such a call on a stream that is read when the test says so. */
function machinery(bytes: number) {
  jest.useFakeTimers();
  const written: (() => void)[] = [];
  const close = jest.fn();
  const stream = Object.assign(new Writable({ write: (_chunk, _encoding, done) => void written.push(done) }), { close });
  const budget = new FairBudget(bytes);
  const fail = jest.fn();
  const sender = { callerKey: "orders", contract: { infrastructure: true }, fail };
  const responses = new UnreadResponses(sender, stream as unknown as ServerHttp2Stream, budget);
  const { write } = stream;
  stream.write = ((chunk: Buffer) => {
    const taken = write.call(stream, chunk, "utf8", () => responses.read());
    responses.written();
    return taken;
  }) as typeof stream.write;
  return {
    ...{ budget, stream, fail, close },
    read() {
      written.shift()?.();
      jest.runAllTicks();
    },
    tick: () => jest.advanceTimersByTime(2_000),
  };
}
afterEach(() => jest.useRealTimers());

/** A server of large answers, and a connection whose caller reads nothing. */
async function start(options: DummyOptions = {}) {
  let made = 0;
  const large = async () => {
    made++;
    return LARGE;
  };
  const dummy = await dummyClient({ large }, options);
  const session = connect(`http://127.0.0.1:${dummy.port}`, { settings: { initialWindowSize: 0 } });
  return {
    dummy,
    /** How many answers there have been. */
    made: () => made,
    /** Makes a call. Resolves when there is an answer that is not read. */
    async unread(kind: Kind, headers: Record<string, string> = {}, copies = 1): Promise<ClientHttp2Stream> {
      const before = made;
      const stream = session.request({
        ":method": "POST",
        ":path": pathOf(kind),
        "content-type": "application/grpc",
        ...headers,
      });
      stream.on("error", () => {});
      stream.resume();
      stream.end(frame(EchoRequest.encode(EchoRequest.fromPartial({ text: "large", copies })).finish()));
      while (made === before) await new Promise(setImmediate);
      await new Promise((resolve) => session.ping(resolve));
      return stream;
    },
    async [Symbol.asyncDispose]() {
      session.destroy();
      await dummy[Symbol.asyncDispose]();
    },
  };
}

/** Resolves when the server knows. */
async function leave(stream: ClientHttp2Stream): Promise<void> {
  const { session } = stream;
  stream.close(constants.NGHTTP2_CANCEL);
  stream.destroy();
  await new Promise((resolve) => session?.ping(resolve));
}
