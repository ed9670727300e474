import { Status } from "nice-grpc";
import { Health } from "../../gen/mesh/registry/v1/instance.ts";
import { testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { read } from "../../test/support/service.ts";
import { HeldLease, hold, startInstance, startRegistry } from "./testing.ts";

const ORDERS = { service: "orders", address: "127.0.0.1", version: "v1", zone: "a", grpcServices: ["shop.Orders"] };

test("an instance that registers and answers well is where calls go", async () => {
  await using database = await testDatabase();
  await using it = await startRegistry(database);
  await using instance = await startInstance();
  await using lease = await hold(it.client, { ...ORDERS, port: instance.port, weight: 3 });

  const routed = await it.dataPlane.untilPorts("orders", instance.port);

  expect(lease.id).toBe(`orders@127.0.0.1:${instance.port}`);
  expect(routed).toEqual({
    name: "orders",
    grpcServices: ["shop.Orders"],
    endpoints: [{ address: "127.0.0.1", port: instance.port, version: "v1", zone: "a", weight: 3 }],
    split: [],
    fault: undefined,
    balancing: { policy: "round-robin" },
  });
});

test("an instance that says no address is found where it called from", async () => {
  await using database = await testDatabase();
  await using it = await startRegistry(database);
  await using instance = await startInstance();

  const { instanceId } = await it.client.register({ instance: { ...ORDERS, address: "", port: instance.port } });

  expect(instanceId).toBe(`orders@127.0.0.1:${instance.port}`);
});
