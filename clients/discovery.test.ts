import { Metadata } from "nice-grpc";
import pino from "pino";
import { dummyClient } from "../test/support/dummy-client.ts";
import { startMeshRegistry } from "../test/support/mesh-registry.ts";
import { CALLER_HEADER, openPlaintextChannel } from "../test/support/plaintext.ts";
import { discoveryClient } from "./discovery.ts";

test("tells which services there are, where their instances can be called, and who says so", async () => {
  await using registry = await startMeshRegistry();
  await using orders = await dummyClient();
  const { port } = orders;
  const as = (name: string) => ({ metadata: Metadata().set(CALLER_HEADER, name) });
  const instance = { id: "orders-1", service: "orders", address: "127.0.0.1", port, metadata: new Map([["colour", "blue"]]) };
  await registry.client.register({ instance }, as("orders"));
  await registry.client.register({ instance: { id: "gone-1", service: "gone", address: "127.0.0.1", port: 1 } }, as("gone"));
  const channel = openPlaintextChannel(registry.address);
  const discovery = discoveryClient(channel, pino({ level: "silent" }));

  while ((await discovery.getInstances("orders")).length === 0) await new Promise(setImmediate);

  expect(await discovery.getInstances("orders")).toEqual([
    {
      ...{ instanceId: "orders-1", serviceId: "orders", host: "127.0.0.1", port, uri: `grpc://127.0.0.1:${port}` },
      metadata: new Map([["colour", "blue"]]),
    },
  ]);
  expect(await discovery.getServices()).toEqual(["gone", "orders"]);
  expect(await discovery.getInstances("nobody")).toEqual([]);
  expect(await discovery.description()).toBe("a test");
  channel.close();
});
