import { Status } from "nice-grpc";
import { openChannel } from "../clients/channel.ts";
import { registryClient } from "../clients/registry.ts";
import { createLogger } from "../runtime/logger.ts";
import { openPages } from "../services/registry/pages/testing.ts";
import { hold } from "../services/registry/testing-lease.ts";
import { type MeshRegistry, startMeshRegistry } from "./support/mesh-registry.ts";
import { TestAuthority } from "./support/test-authority.ts";

const ORDERS = { id: "orders-1", service: "orders", address: "127.0.0.1", port: 1 };
const OF_ANOTHER = { code: Status.PERMISSION_DENIED, reason: "SERVICE_OF_ANOTHER" };

let authority: TestAuthority;
let registry: MeshRegistry;
beforeEach(async () => {
  authority = await TestAuthority.create();
  registry = await startMeshRegistry(authority);
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await authority[Symbol.asyncDispose]();
});

/** A client of the registry that has the certificate of an identity. */
async function clientOf(caller: string) {
  const channel = openChannel(registry.address, { service: "registry", credentials: await authority.credentials(caller) });
  const client = registryClient(channel, createLogger({ name: "test", level: "silent" }));
  return { ...client, [Symbol.dispose]: () => channel.close() };
}

const idsOf = (service: string) => registry.registry.catalog.get(service)?.instances.map(({ instance: { id } }) => id);

test("the certificate of a service registers, keeps and takes out servers of that service", async () => {
  using orders = await clientOf("orders");

  await using _ = await hold(orders, { ...ORDERS, id: "orders-2", port: 2 });
  await orders.register({ instance: ORDERS });
  await orders.heartbeat({ instanceId: "orders-1" });
  expect(idsOf("orders")).toEqual(["orders-1", "orders-2"]);
  await orders.deregister({ instanceId: "orders-1" });

  expect(idsOf("orders")).toEqual(["orders-2"]);
});

test.each(["marketplace", "operator", "registry", "nobody"])("that of %s does not", async (caller) => {
  using orders = await clientOf("orders");
  using other = await clientOf(caller);
  await orders.register({ instance: ORDERS });

  await expect(hold(other, { ...ORDERS, id: "orders-2" })).rejects.toMatchObject(OF_ANOTHER);
  await expect(other.register({ instance: { ...ORDERS, id: "orders-2" } })).rejects.toMatchObject(OF_ANOTHER);
  await expect(other.register({ instance: { ...ORDERS, service: caller } })).rejects.toMatchObject(OF_ANOTHER);
  await expect(other.heartbeat({ instanceId: "orders-1" })).rejects.toMatchObject(OF_ANOTHER);
  await expect(other.deregister({ instanceId: "orders-1" })).rejects.toMatchObject(OF_ANOTHER);
  expect(idsOf("orders")).toEqual(["orders-1"]);
});

test("nobody registers a service of the mesh over plain HTTP", async () => {
  await using pages = await openPages({ register: registry.registry.registerUnproven });

  expect(await pages.register({ name: "orders", url: "http://192.0.2.66" })).toMatchObject({ status: 403 });
  expect(idsOf("orders")).toBeUndefined();
});
