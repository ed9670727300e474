import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { jest } from "@jest/globals";
import { type Channel, ClientError, Status, waitForChannelReady } from "nice-grpc";
import { EchoServiceDefinition } from "../gen/bookmesh/testing/v1/echo_service.ts";
import { clientFactory } from "../interceptors/client/chain.ts";
import { allContracts } from "../runtime/contracts.ts";
import { Failure } from "../runtime/errors.ts";
import { createLogger } from "../runtime/logger.ts";
import { dummyClient, raises, type SpecialCase } from "../test/support/dummy-client.ts";
import { call, endingCases, kinds, rejection } from "../test/support/four-kinds.ts";
import { LogLines } from "../test/support/log-lines.ts";
import { openPlaintextChannel } from "../test/support/plaintext.ts";
import { serviceConfig } from "./channel.ts";

test("tries an idempotent call again as often as its contract says", async () => {
  const attempts: string[] = [];
  await using dummy = await dummyClient({ flaky: failing(2, attempts) });
  await using it = clientOf(`127.0.0.1:${dummy.port}`);

  await expect(it.client.idempotentUnary({ text: "flaky" })).resolves.toEqual({ text: "flaky" });
  expect(attempts).toHaveLength(3);
});

test("gives an idempotent call up after the last attempt", async () => {
  const attempts: string[] = [];
  await using dummy = await dummyClient({ flaky: failing(5, attempts) });
  await using it = clientOf(`127.0.0.1:${dummy.port}`);

  await expect(it.client.idempotentUnary({ text: "flaky" })).rejects.toMatchObject({ code: Status.UNAVAILABLE });
  expect(attempts).toHaveLength(3);
});

test.each(kinds)("never tries a %s call again that is not idempotent", async (kind) => {
  const attempts: string[] = [];
  await using dummy = await dummyClient({ flaky: failing(1, attempts) });
  await using it = clientOf(`127.0.0.1:${dummy.port}`);

  await expect(call(it.client, kind, "flaky")).rejects.toMatchObject({ code: Status.UNAVAILABLE });
  expect(attempts).toHaveLength(1);
});

test("never tries again what failed for another reason than UNAVAILABLE", async () => {
  await using dummy = await dummyClient({ bug: raises(new Error("bug")), ...endingCases });
  await using it = clientOf(`127.0.0.1:${dummy.port}`);

  await rejection(it.client.idempotentUnary({ text: "bug" }));
  await rejection(it.client.idempotentUnary({ text: "fail" }));

  expect(dummy.logs.with({ msg: "handling" })).toHaveLength(2);
});

test("sends calls round all addresses of its target", async () => {
  await using first = await dummyClient();
  await using second = await dummyClient();
  await using it = clientOf(`ipv4:127.0.0.1:${first.port},127.0.0.1:${second.port}`);
  const handled = () => [first, second].map(({ logs }) => logs.with({ msg: "handled" }).length);
  // Calls go to the first address alone until the other one is connected too.
  while (handled().includes(0)) await it.client.unary({ text: "hello" });
  const [before1 = 0, before2 = 0] = handled();

  for (let i = 0; i < 10; i++) await it.client.unary({ text: "hello" });

  expect(handled()).toEqual([before1 + 5, before2 + 5]);
});

test("goes on at the other address when one is gone", async () => {
  await using second = await dummyClient();
  const first = await dummyClient();
  await using it = clientOf(`ipv4:127.0.0.1:${first.port},127.0.0.1:${second.port}`);
  await it.client.idempotentUnary({ text: "hello" });
  await first[Symbol.asyncDispose]();

  for (let i = 0; i < 10; i++) {
    await expect(it.client.idempotentUnary({ text: "hello" })).resolves.toEqual({ text: "hello" });
  }
});

test("connects again by itself when the server is back", async () => {
  const before = await dummyClient();
  await using it = clientOf(`127.0.0.1:${before.port}`);
  await it.client.unary({ text: "hello" });
  await before[Symbol.asyncDispose]();
  await expect(it.client.unary({ text: "hello" })).rejects.toMatchObject({ code: Status.UNAVAILABLE });

  await using _ = await dummyClient({}, { port: before.port });
  await waitForChannelReady(it.channel, new Date(Date.now() + 10_000));

  await expect(it.client.unary({ text: "hello" })).resolves.toEqual({ text: "hello" });
});

test("has ten calls in flight at once on one connection", async () => {
  const all = Promise.withResolvers<string>();
  let working = 0;
  const work = () => {
    if (++working === 10) all.resolve("done");
    return all.promise;
  };
  await using dummy = await dummyClient({ work });
  await using it = clientOf(`127.0.0.1:${dummy.port}`);

  const answers = await Promise.all(Array.from({ length: 10 }, () => it.client.unary({ text: "work" })));

  expect(answers).toEqual(Array.from({ length: 10 }, () => ({ text: "done" })));
  expect(new Set(dummy.logs.with({ msg: "call finished" }).map(({ peer }) => peer)).size).toBe(1);
});

test.each(kinds)("fails a %s call with UNAVAILABLE where nobody listens", async (kind) => {
  await using it = clientOf("127.0.0.1:1");

  const error = await rejection(call(it.client, kind, "hello"));

  expect(error).toBeInstanceOf(ClientError);
  expect(error).toMatchObject({ code: Status.UNAVAILABLE });
});

test("gives up on a peer that accepts connections and says nothing", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  await once(silent, "listening");
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask", "performance", "Date"] });
  await using it = clientOf(`127.0.0.1:${(silent.address() as AddressInfo).port}`);

  const outcome = rejection(it.client.unary({ text: "hello" }));
  while (sockets.length === 0) {
    jest.advanceTimersByTime(1);
    await new Promise(setImmediate);
  }
  jest.advanceTimersByTime(5_000);

  expect(await outcome).toMatchObject({ code: Status.UNAVAILABLE, details: expect.stringContaining("timed out") });
  jest.useRealTimers();
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test("has a retry policy for the methods whose contract has one, and for no others", () => {
  const config = JSON.parse(serviceConfig());

  expect(config.loadBalancingConfig).toEqual([{ round_robin: {} }]);
  expect(config.methodConfig).toContainEqual({
    name: [{ service: "bookmesh.testing.v1.EchoService", method: "IdempotentUnary" }],
    retryPolicy: {
      maxAttempts: 3,
      initialBackoff: "0.01s",
      maxBackoff: "0.05s",
      backoffMultiplier: 2,
      retryableStatusCodes: ["UNAVAILABLE"],
    },
  });
  expect(config.methodConfig).toHaveLength(allContracts().filter(({ retry }) => retry !== undefined).length);
});

/** A client on a channel of ours. */
function clientOf(target: string): AsyncDisposable & { channel: Channel; client: ReturnType<typeof create> } {
  const channel = openPlaintextChannel(target);
  return { channel, client: create(channel), [Symbol.asyncDispose]: async () => channel.close() };
}

function create(channel: Channel) {
  const logger = createLogger({ name: "client", level: "info", destination: new LogLines() });
  return clientFactory({ logger }).create(EchoServiceDefinition, channel);
}

/** Fails so many times, then answers. */
function failing(times: number, attempts: string[]): SpecialCase {
  return (text) => {
    if (attempts.push(text) <= times) throw new Failure("unavailable", "not now");
    return text;
  };
}
