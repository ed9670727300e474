import { createChannel } from "nice-grpc";
import { EchoServiceDefinition } from "../gen/bookmesh/testing/v1/echo_service.ts";
import { clientFactory } from "../interceptors/client/chain.ts";
import { type Dummy, dummyClient } from "../test/support/dummy-client.ts";
import { LEAST_REQUEST, registerLeastRequest } from "./least-request.ts";

registerLeastRequest();

test("sends calls to the server that has fewer of them in flight", async () => {
  const stuck = Promise.withResolvers<string>();
  const slow = () => stuck.promise;
  await using first = await dummyClient({ work: slow });
  await using second = await dummyClient({ work: (text) => text });
  await using it = clientOf(first, second);
  await it.connected();
  const before = handled(first);

  const answers: Promise<unknown>[] = [];
  for (let i = 0; i < 100; i++) {
    const sofar = handled(first) + handled(second);
    answers.push(it.client.unary({ text: "work" }));
    while (handled(first) + handled(second) === sofar) await new Promise(setImmediate);
  }

  // It is drawn twice for one call in four; for all others there is a better choice.
  expect(handled(first) - before).toBeLessThan(45);
  stuck.resolve("done");
  await Promise.all(answers);
});

test("goes on at the other servers when one is gone", async () => {
  await using second = await dummyClient();
  const first = await dummyClient();
  await using it = clientOf(first, second);
  await it.connected();
  await first[Symbol.asyncDispose]();

  for (let i = 0; i < 20; i++) {
    await expect(it.client.idempotentUnary({ text: "hello" })).resolves.toEqual({ text: "hello" });
  }
});

test("says that no server is there", async () => {
  const channel = createChannel("ipv4:127.0.0.1:1,127.0.0.1:2", undefined, { "grpc.service_config": SERVICE_CONFIG });
  await using dummy = await dummyClient();

  await expect(clientFactory(dummy).create(EchoServiceDefinition, channel).unary({ text: "hello" })).rejects.toThrow(
    /UNAVAILABLE.*no connection established/,
  );
  channel.close();
});

const SERVICE_CONFIG = JSON.stringify({
  loadBalancingConfig: [{ [LEAST_REQUEST]: {} }],
  methodConfig: [
    {
      name: [{ service: "bookmesh.testing.v1.EchoService", method: "IdempotentUnary" }],
      retryPolicy: {
        ...{ maxAttempts: 3, initialBackoff: "0.01s", maxBackoff: "0.05s", backoffMultiplier: 2 },
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
});

function clientOf(first: Dummy, second: Dummy) {
  const target = `ipv4:127.0.0.1:${first.port},127.0.0.1:${second.port}`;
  const channel = createChannel(target, undefined, { "grpc.service_config": SERVICE_CONFIG });
  const client = clientFactory(first).create(EchoServiceDefinition, channel);
  return {
    client,
    /** Resolves when both servers get calls. */
    async connected() {
      while (handled(first) === 0 || handled(second) === 0) await client.unary({ text: "hello" });
    },
    [Symbol.asyncDispose]: async () => channel.close(),
  };
}

function handled({ logs }: Dummy): number {
  return logs.with({ msg: "handling" }).length;
}
