import type { Http2Session, ServerHttp2Stream } from "node:http2";
import type { ChannelOptions } from "@grpc/grpc-js";
import { jest } from "@jest/globals";
import { isAbortError } from "abort-controller-x";
import { createChannel, type Metadata, Status } from "nice-grpc";
import { EchoResponse, EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { methodContract } from "../../runtime/contracts.ts";
import { createLogger } from "../../runtime/logger.ts";
import { call, type Kind, kinds, rejection } from "../../test/support/four-kinds.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { frame } from "../../test/support/raw-call.ts";
import { endWith, listenOnWire } from "../../test/support/wire.ts";
import { clientFactory } from "./chain.ts";

/** May be tried again: three attempts, pauses of 10 ms to 50 ms. */
const IDEMPOTENT = EchoServiceDefinition.methods.idempotentUnary;
/** That method as if it were of every kind. */
const idempotent: Methods = {
  unary: IDEMPOTENT,
  clientStreaming: { ...IDEMPOTENT, requestStream: true },
  serverStreaming: { ...IDEMPOTENT, responseStream: true },
  bidiStreaming: { ...IDEMPOTENT, requestStream: true, responseStream: true },
};
type Methods = {
  readonly [K in Kind]: Omit<(typeof EchoServiceDefinition.methods)[K], "name" | "options"> & { name: string; options: object };
};

const HEADERS = { ":status": 200, "content-type": "application/grpc" };

afterEach(() => jest.restoreAllMocks());

test.each([
  ["is closed", (session: Http2Session) => session.destroy()],
  ["is reset", (session: Http2Session) => void session.socket.resetAndDestroy()],
])("answers an idempotent call whose connection %s after the headers", async (_name, end) => {
  await using it = await clientOnWire((stream, attempt) => (attempt === 1 ? lose(stream, { end }) : answer(stream)));

  expect(await it.client.unary({ text: "hello" })).toEqual({ text: "hello" });

  expect(it.attempts()).toBe(2);
});

test("answers an idempotent call of which all but the status had come", async () => {
  await using it = await clientOnWire((stream, attempt) => (attempt === 1 ? lose(stream, { message: "lost" }) : answer(stream)));

  expect(await it.client.unary({ text: "hello" })).toEqual({ text: "hello" });
});

test.each(kinds)("tries no %s call again that is not idempotent", async (kind) => {
  await using it = await clientOnWire((stream) => lose(stream), { methods: EchoServiceDefinition.methods });

  const error = await rejection(call(it.client, kind, "hello"));

  expect(error).toMatchObject({ code: Status.UNAVAILABLE });
  expect(it.attempts()).toBe(1);
});

test.each(kinds.filter((kind) => kind !== "unary"))("tries no %s call again, idempotent or not", async (kind) => {
  await using it = await clientOnWire((stream) => lose(stream));

  const error = await rejection(call(it.client, kind, "hello"));

  expect(error).toMatchObject({ code: Status.UNAVAILABLE });
  expect(it.attempts()).toBe(1);
});

test("leaves a call to gRPC that fails before the headers", async () => {
  await using it = await clientOnWire((stream) => endWith(stream, Status.UNAVAILABLE));

  expect(await rejection(it.client.unary({ text: "hello" }))).toMatchObject({ code: Status.UNAVAILABLE });

  expect(it.attempts()).toBe(1);
});

test("leaves the second attempt to gRPC as well", async () => {
  await using it = await clientOnWire((stream, attempt) => (attempt === 1 ? lose(stream) : endWith(stream, Status.UNAVAILABLE)));

  expect(await rejection(it.client.unary({ text: "hello" }))).toMatchObject({ code: Status.UNAVAILABLE });

  expect(it.attempts()).toBe(2);
});

test("tries no call again that fails in another way after the headers", async () => {
  await using it = await clientOnWire((stream) => refuse(stream, Status.INTERNAL));

  expect(await rejection(it.client.unary({ text: "hello" }))).toMatchObject({ code: Status.INTERNAL });

  expect(it.attempts()).toBe(1);
});

test("makes as many attempts as the contract allows, and fails as the last of them", async () => {
  await using it = await clientOnWire((stream, attempt) =>
    attempt < 3 ? lose(stream) : refuse(stream, Status.UNAVAILABLE, { "grpc-message": "the last" }),
  );

  const error = await rejection(it.client.unary({ text: "hello" }));

  expect(error).toMatchObject({ code: Status.UNAVAILABLE, details: "the last" });
  expect(it.attempts()).toBe(3);
});

test("counts the attempts that gRPC has made", async () => {
  const retryPolicy = {
    ...{ maxAttempts: 3, initialBackoff: "0.001s", maxBackoff: "0.001s", backoffMultiplier: 1 },
    retryableStatusCodes: ["UNAVAILABLE"],
  };
  const serviceConfig = JSON.stringify({ methodConfig: [{ name: [{}], retryPolicy }] });
  await using it = await clientOnWire((stream, attempt) => (attempt === 1 ? endWith(stream, Status.UNAVAILABLE) : lose(stream)), {
    channelOptions: { "grpc.service_config": serviceConfig },
  });

  await rejection(it.client.unary({ text: "hello" }));

  expect(it.attempts()).toBe(3);
});

test("tells the server how many attempts came before, and how much time is left", async () => {
  await using it = await clientOnWire((stream) => lose(stream));

  await rejection(it.client.unary({ text: "hello" }, { deadlineMs: 10_000 }));

  expect(it.sent("grpc-previous-rpc-attempts")).toEqual([undefined, "1", "2"]);
  const [first = 0, second = 0, third = 0] = it.sent("grpc-timeout").map((timeout) => Number(String(timeout).replace(/m$/, "")));
  expect(first).toBe(10_000);
  expect(second).toBeLessThanOrEqual(first - 8);
  expect(third).toBeLessThanOrEqual(second - 16);
});

test.each([
  ["least", 0, [8, 16, 20, 20]],
  ["most", 1, [12, 24, 30, 30]],
])("pauses for twice as long each time until the longest, at %s", async (_name, random, expected) => {
  policyOf({ maxAttempts: 5, maxBackoffMs: 25 });
  jest.spyOn(Math, "random").mockReturnValue(random);
  const pauses = watchPauses();
  await using it = await clientOnWire((stream) => lose(stream));

  await rejection(it.client.unary({ text: "hello" }));

  expect(pauses().map(Math.round)).toEqual(expected);
});

test("pauses for as long as the server asks, and as at first after that", async () => {
  policyOf({ maxAttempts: 4 });
  jest.spyOn(Math, "random").mockReturnValue(0.5);
  const pauses = watchPauses();
  await using it = await clientOnWire((stream, attempt) =>
    attempt === 2 ? refuse(stream, Status.UNAVAILABLE, { "grpc-retry-pushback-ms": "1" }) : lose(stream),
  );

  await rejection(it.client.unary({ text: "hello" }));

  expect(pauses().map(Math.round)).toEqual([10, 1, 10]);
});

test.each(["-1", "soon", "1e3", "99999999999"])(
  "tries no call again when the server asks for a pause of %s",
  async (pushback) => {
    await using it = await clientOnWire((stream) => refuse(stream, Status.UNAVAILABLE, { "grpc-retry-pushback-ms": pushback }));

    expect(await rejection(it.client.unary({ text: "hello" }))).toMatchObject({ code: Status.UNAVAILABLE });

    expect(it.attempts()).toBe(1);
  },
);

test("ends a call at once that its caller aborts between two attempts", async () => {
  policyOf({ initialBackoffMs: 60_000 });
  const pauses = watchPauses({ fromMs: 48_000, toMs: 72_000 });
  const caller = new AbortController();
  await using it = await clientOnWire((stream) => lose(stream));

  const outcome = rejection(it.client.unary({ text: "hello" }, { signal: caller.signal }));
  while (pauses().length === 0) await new Promise(setImmediate);
  caller.abort();

  expect(isAbortError(await outcome)).toBe(true);
  expect(it.attempts()).toBe(1);
});

test("ends a call at once that its caller aborts during the second attempt", async () => {
  const caller = new AbortController();
  await using it = await clientOnWire((stream, attempt) => (attempt === 1 ? lose(stream) : caller.abort()));

  const error = await rejection(it.client.unary({ text: "hello" }, { signal: caller.signal }));

  expect(isAbortError(error)).toBe(true);
  expect(it.attempts()).toBe(2);
});

test("has one deadline for all attempts and the pauses between them", async () => {
  policyOf({ initialBackoffMs: 60_000 });
  await using it = await clientOnWire((stream) => lose(stream));

  const error = await rejection(it.client.unary({ text: "hello" }, { deadlineMs: 200 }));

  expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED, details: "deadline of 200 ms exceeded" });
  expect(it.attempts()).toBe(1);
});

test("shows the caller headers and trailers of the attempt that answers, and of no other", async () => {
  await using it = await clientOnWire((stream, attempt) => (attempt === 1 ? lose(stream, { attempt }) : answer(stream, attempt)));
  const heard = listener();

  await it.client.unary({ text: "hello" }, heard);

  expect(heard.attempts).toEqual([
    ["header", "2"],
    ["trailer", "2"],
  ]);
});

test("shows the caller headers and trailers of the last attempt when all fail", async () => {
  await using it = await clientOnWire((stream, attempt) => lose(stream, { attempt }));
  const heard = listener();

  await rejection(it.client.unary({ text: "hello" }, heard));

  expect(heard.attempts).toEqual([
    ["header", "3"],
    ["trailer", undefined],
  ]);
});

test("tries fewer than fifty calls again at once, and more only after ten times as many that succeed", async () => {
  const gathered: ServerHttp2Stream[] = [];
  let losing = 100;
  await using it = await clientOnWire((stream) => {
    if (losing === 0) return answer(stream);
    if (gathered.push(stream) < losing) return;
    losing = 0;
    const [last] = gathered;
    for (const lost of gathered.splice(0)) lost.respond(HEADERS);
    last?.session?.ping(() => last.session?.destroy());
  });
  const answered = async (calls: number) => {
    const outcomes = await Promise.allSettled(Array.from({ length: calls }, () => it.client.unary({ text: "hello" })));
    return outcomes.filter(({ status }) => status === "fulfilled").length;
  };

  expect(await answered(100)).toBe(49);

  expect(await answered(450)).toBe(450);
  losing = 1;
  expect(await answered(1)).toBe(0);
  expect(await answered(50)).toBe(50);
  losing = 1;
  expect(await answered(1)).toBe(1);
});

/** Sends headers and, as soon as the client has them, ends the connection. */
function lose(
  stream: ServerHttp2Stream,
  {
    attempt = 0,
    message,
    end = (session) => session.destroy(),
  }: { attempt?: number; message?: string; end?: (session: Http2Session) => void } = {},
): void {
  const { session } = stream;
  if (session === undefined) throw new Error("no connection");
  session.on("error", () => {});
  stream.respond({ ...HEADERS, attempt: String(attempt) });
  if (message !== undefined) stream.write(messageOf(message));
  // Its answer comes after everything that came before has been read.
  session.ping(() => end(session));
}

/** Ends a call with headers, a message, and trailers. */
function answer(stream: ServerHttp2Stream, attempt = 0): void {
  stream.respond({ ...HEADERS, attempt: String(attempt) }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", attempt: String(attempt) }));
  stream.end(messageOf("hello"));
}

/** Ends a call with headers and a status. */
function refuse(stream: ServerHttp2Stream, status: Status, trailers: Record<string, string> = {}): void {
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(status), ...trailers }));
  stream.end();
}

function messageOf(text: string): Buffer {
  return frame(EchoResponse.encode({ text }).finish());
}

/** Changes what the contract says until the test is over. */
function policyOf(changes: Partial<Policy>): void {
  const policy = methodContract(`/${EchoServiceDefinition.fullName}/${IDEMPOTENT.name}`).retry as Policy;
  for (const [key, value] of Object.entries(changes)) jest.replaceProperty(policy, key as keyof Policy, value);
}
type Policy = { maxAttempts: number; initialBackoffMs: number; maxBackoffMs: number };

/** The timers of such a length so far. Nothing but a pause between two attempts is so short. */
function watchPauses({ fromMs = 1, toMs = 100 } = {}): () => number[] {
  const timers = jest.spyOn(globalThis, "setTimeout");
  return () => timers.mock.calls.map(([, ms = 0]) => ms).filter((ms) => ms >= fromMs && ms <= toMs);
}

/** Writes down which attempt the headers and trailers were of. */
function listener() {
  const attempts: [what: string, attempt: string | undefined][] = [];
  return {
    attempts,
    onHeader: (header: Metadata) => void attempts.push(["header", header.get("attempt")]),
    onTrailer: (trailer: Metadata) => void attempts.push(["trailer", trailer.get("attempt")]),
  };
}

/** A client with the whole chain of a server that is made by hand. */
async function clientOnWire(
  onCall: (stream: ServerHttp2Stream, attempt: number) => void,
  { methods = idempotent, channelOptions = {} }: { methods?: Methods; channelOptions?: ChannelOptions } = {},
) {
  const wire = await listenOnWire(onCall);
  const channel = createChannel(`127.0.0.1:${wire.port}`, undefined, channelOptions);
  const logger = createLogger({ name: "client", level: "info", destination: new LogLines() });
  return {
    client: clientFactory({ logger }).create({ ...EchoServiceDefinition, methods }, channel),
    attempts: () => wire.headers.length,
    sent: (name: string) => wire.headers.map((headers) => headers[name]),
    async [Symbol.asyncDispose]() {
      channel.close();
      await wire[Symbol.asyncDispose]();
    },
  };
}
