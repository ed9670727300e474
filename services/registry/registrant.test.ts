import { Metadata, Status } from "nice-grpc";
import { Protocol } from "../../gen/mesh/registry/v1/instance.ts";
import { type TestDatabase, testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { CALLER_HEADER } from "../../test/support/plaintext.ts";
import { openPages } from "./pages/testing.ts";
import { startRegistry, type TestRegistry } from "./testing.ts";
import { HeldLease, hold } from "./testing-lease.ts";

const ORDERS = { id: "orders-1", service: "orders", address: "127.0.0.1", port: 1 };
const OF_ANOTHER = { code: Status.PERMISSION_DENIED, reason: "SERVICE_OF_ANOTHER", metadata: { service: "orders" } };
const REFUSED = { ...OF_ANOTHER, metadata: expect.objectContaining(OF_ANOTHER.metadata) };

let database: TestDatabase;
let logs: LogLines;
let it: TestRegistry;
beforeEach(async () => {
  database = await testDatabase();
  logs = new LogLines();
  it = await startRegistry({ ...database, logs });
});
afterEach(async () => {
  await it[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const as = (caller: string) => ({ metadata: new Metadata().set(CALLER_HEADER, caller) });

function holdAs(caller: string, instance: object): Promise<unknown> {
  const lease = new HeldLease(it.client, caller);
  lease.send({ event: { $case: "instance", value: instance } });
  return lease.next();
}

test.each(["marketplace", "operator", "order", "orders2"])("%s registers nothing as orders", async (caller) => {
  await expect(holdAs(caller, ORDERS)).rejects.toMatchObject(REFUSED);
  await expect(it.client.register({ instance: ORDERS }, as(caller))).rejects.toMatchObject(REFUSED);
  expect(it.registry.catalog.list()).toEqual([]);
});

test.each(["marketplace", "operator"])("%s neither keeps nor takes out an instance of orders", async (caller) => {
  await it.client.register({ instance: ORDERS });

  await expect(it.client.heartbeat({ instanceId: "orders-1" }, as(caller))).rejects.toMatchObject(REFUSED);
  await expect(it.client.deregister({ instanceId: "orders-1" }, as(caller))).rejects.toMatchObject(REFUSED);
  expect(it.registry.catalog.find("orders-1")).toBeDefined();
});

test("nobody puts an instance of their own in the place of another's by taking its id", async () => {
  await using _ = await hold(it.client, ORDERS);
  const thief = { ...ORDERS, service: "marketplace", address: "127.0.0.2" };

  await expect(holdAs("marketplace", thief)).rejects.toMatchObject(REFUSED);
  await expect(it.client.register({ instance: thief }, as("marketplace"))).rejects.toMatchObject(REFUSED);
  expect(it.registry.catalog.find("orders-1")).toMatchObject({ service: "orders", address: "127.0.0.1" });
});

test.each(["orders-3f2a9c1b", "orders@127.0.0.1:1"])(
  "a service takes its id %s back from whoever was there first",
  async (id) => {
    await using _ = await hold(it.client, { ...ORDERS, id, service: "marketplace", address: "127.0.0.2" });
    const own = { ...ORDERS, id };

    await using __ = await hold(it.client, own);
    expect(it.registry.catalog.find(id)).toMatchObject({ service: "orders", address: "127.0.0.1" });
    expect((await it.client.getService({ service: "marketplace" })).service?.instances).toEqual([]);

    const thief = { ...own, service: "marketplace" };
    await expect(it.client.register({ instance: thief }, as("marketplace"))).rejects.toMatchObject(REFUSED);
    await expect(it.client.deregister({ instanceId: id }, as("marketplace"))).rejects.toMatchObject(REFUSED);
  },
);

test("an id that is as that of a third service stays with whoever was there first", async () => {
  await it.client.register({ instance: { ...ORDERS, id: "reviews-1" } });
  const other = { ...ORDERS, id: "reviews-1", service: "marketplace" };

  await expect(it.client.register({ instance: other }, as("marketplace"))).rejects.toMatchObject(REFUSED);
});

test.each(["orders", "register", "registry", "recommendations", "operator"])(
  "a program that proves no identity registers nothing as %s, be it there or not",
  async (name) => {
    await using pages = await openPages({ register: it.registry.registerUnproven });

    expect(await pages.register({ name, url: "http://192.0.2.66:80" })).toEqual({
      status: 403,
      body: { error: `${name} is a service of the mesh, which registers with its certificate`, reason: "SERVICE_OF_ANOTHER" },
    });
  },
);

test("a program that proves no identity registers nothing beside servers that have proven theirs", async () => {
  await it.client.register({ instance: { ...ORDERS, service: "stock" } });
  await using pages = await openPages({ register: it.registry.registerUnproven });

  expect(await pages.register({ name: "stock", url: "http://192.0.2.66:80" })).toMatchObject({ status: 403 });
});

test("a program that proves no identity puts nothing in the place of a server by its id", async () => {
  await it.client.register({ instance: { ...ORDERS, id: "legacy@192.0.2.66:80" } });
  await using pages = await openPages({ register: it.registry.registerUnproven });

  expect(await pages.register({ name: "legacy", url: "http://192.0.2.66:80" })).toMatchObject({ status: 403 });
  expect(it.registry.catalog.find("legacy@192.0.2.66:80")).toMatchObject({ service: "orders" });
});

test("a program that proves no identity registers under a name that is nobody's", async () => {
  await using pages = await openPages({ register: it.registry.registerUnproven });

  expect(await pages.register({ name: "legacy", url: "http://192.0.2.66:80" })).toMatchObject({ status: 201 });
  expect(await pages.register({ name: "legacy", url: "http://192.0.2.66:80" })).toMatchObject({ status: 201 });
  expect(it.registry.catalog.find("legacy@192.0.2.66:80")).toMatchObject({ service: "legacy", protocol: "http" });
  expect((await it.client.getService({ service: "legacy" })).service?.instances).toMatchObject([
    { instance: { protocol: Protocol.PROTOCOL_HTTP } },
  ]);
});

test("each refusal is one line of the log that says who wanted to be whom", async () => {
  await using pages = await openPages({ register: it.registry.registerUnproven });

  await expect(it.client.register({ instance: ORDERS }, as("marketplace"))).rejects.toMatchObject(REFUSED);
  await pages.register({ name: "orders", url: "http://192.0.2.66:80" });

  const line = { level: 40, audit: true, reason: "SERVICE_OF_ANOTHER", service: "orders" };
  expect(logs.with({ msg: "registration refused" })).toMatchObject([
    { ...line, caller: "spiffe://bookmesh.local/marketplace" },
    { ...line, peer: "127.0.0.1" },
  ]);
});
