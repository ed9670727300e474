import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createChannel, Status } from "nice-grpc";
import { EchoServiceDefinition } from "../gen/bookmesh/testing/v1/echo_service.ts";
import { clientFactory } from "../interceptors/client/chain.ts";
import { createLogger } from "../runtime/logger.ts";
import { dummyClient } from "../test/support/dummy-client.ts";
import { patientKeepalive } from "./patient-keepalive.ts";

const PING_MS = 10;
const ANSWER_MS = 40;
const logger = createLogger({ name: "test", level: "silent" });

/** A client that pings its peer all the time. */
function restlessClient(port: number) {
  patientKeepalive();
  const channel = createChannel(`127.0.0.1:${port}`, undefined, {
    "grpc.keepalive_time_ms": PING_MS,
    "grpc.keepalive_timeout_ms": ANSWER_MS,
    "grpc.keepalive_permit_without_calls": 1,
  });
  const client = clientFactory({ logger }).create(EchoServiceDefinition, channel);
  return { client, [Symbol.dispose]: () => channel.close() };
}

/** Nothing else happens in this process meanwhile. */
function holdUp(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("a process that is held up again and again gives up no peer that answers", async () => {
  const answer = Promise.withResolvers<string>();
  await using dummy = await dummyClient({ wait: () => answer.promise });
  using it = restlessClient(dummy.port);
  await it.client.unary({ text: "hello" });

  const call = it.client.unary({ text: "wait" }, { deadlineMs: 30_000 });
  // A ping and its answer take some turns.
  for (let turn = 0; turn < 30; turn++) {
    holdUp(1.5 * ANSWER_MS);
    await nextTurn();
  }
  answer.resolve("wait");

  await expect(call).resolves.toEqual({ text: "wait" });
});

test("a peer that is silent is given up all the same", async () => {
  const answer = Promise.withResolvers<string>();
  await using dummy = await dummyClient({ wait: () => answer.promise });
  let silent = false;
  const between = createServer((socket) => {
    const peer = connect(dummy.port, "127.0.0.1");
    for (const [from, to] of [
      [socket, peer],
      [peer, socket],
    ] as const) {
      from.on("data", (data) => void (silent || to.write(data)));
      from.on("error", () => {});
      from.on("close", () => to.destroy());
    }
  }).listen(0, "127.0.0.1");
  await once(between, "listening");
  using it = restlessClient((between.address() as AddressInfo).port);
  await it.client.unary({ text: "hello" });

  const call = it.client.unary({ text: "wait" }, { deadlineMs: 30_000 });
  await dummy.logs.find({ msg: "handling" });
  silent = true;

  await expect(call).rejects.toMatchObject({ code: Status.UNAVAILABLE });
  between.close();
  answer.resolve("wait");
});
