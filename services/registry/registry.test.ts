import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Status } from "nice-grpc";
import { Health, Protocol } from "../../gen/mesh/registry/v1/instance.ts";
import { type TestDatabase, testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { startRegistry, type TestRegistry } from "./testing.ts";
import { startInstance, type TestInstance } from "./testing-instance.ts";
import { HeldLease, hold } from "./testing-lease.ts";

const ORDERS = {
  service: "orders",
  address: "127.0.0.1",
  version: "v1",
  zone: "a",
  grpcServices: ["bookmesh.testing.v1.EchoService"],
};

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

const newLease = () => new HeldLease(it.client);
const holdOrders = ({ port }: TestInstance, change: object = {}) => hold(it.client, { ...ORDERS, port, ...change });

async function stateOf(id: string) {
  const { services } = await it.client.listServices({});
  return services.flatMap(({ instances }) => instances).find(({ instance }) => instance?.id === id);
}

test("an instance that registers and answers well is where calls go", async () => {
  await using instance = await startInstance();
  await using lease = await holdOrders(instance, { weight: 3 });

  const routed = await it.dataPlane.untilPorts("orders", instance.port);

  expect(lease.id).toBe(`orders@127.0.0.1:${instance.port}`);
  expect(routed).toEqual({
    name: "orders",
    grpcServices: ["bookmesh.testing.v1.EchoService"],
    endpoints: [{ address: "127.0.0.1", port: instance.port, version: "v1", zone: "a", weight: 3 }],
    split: [],
    fault: undefined,
    balancing: { policy: "round-robin" },
  });
});

test("the registry says how long the lease is and how often to report", async () => {
  await using instance = await startInstance();
  await using lease = await holdOrders(instance);

  expect(lease.registered).toEqual({
    instanceId: lease.id,
    lease: { seconds: 10n, nanos: 0 },
    reportInterval: { seconds: 2n, nanos: 0 },
  });
});

test("an instance that says no address is found where it called from", async () => {
  await using instance = await startInstance();

  const { instanceId } = await it.client.register({ instance: { ...ORDERS, address: "", port: instance.port } });

  expect(instanceId).toBe(`orders@127.0.0.1:${instance.port}`);
});

test("an instance that dies is out at once, and back as soon as it answers again", async () => {
  await using first = await startInstance();
  const second = await startInstance();
  await using _first = await holdOrders(first);
  const lease = await holdOrders(second);
  await it.dataPlane.untilPorts("orders", first.port, second.port);

  // As a process that is killed: nobody listens any more, and the stream breaks.
  const { port } = second;
  await second.kill();
  await lease[Symbol.asyncDispose]();
  await it.dataPlane.untilPorts("orders", first.port);
  expect(await stateOf(lease.id)).toMatchObject({ health: Health.HEALTH_UNAVAILABLE, problem: "connection refused" });

  await using again = await startInstance(port);
  await using _again = await holdOrders(again);
  await it.dataPlane.untilPorts("orders", first.port, port);
});

test("an instance whose stream breaks is called for as long as it answers and its lease runs", async () => {
  await using first = await startInstance();
  await using second = await startInstance();
  await using keeping = await holdOrders(first);
  const lease = await holdOrders(second);
  await it.dataPlane.untilPorts("orders", first.port, second.port);

  await lease[Symbol.asyncDispose]();
  await second.askedTimes(2);
  it.pass(9_000);
  keeping.send({});
  await logs.find({ msg: "the stream of an instance has ended" });
  expect((await stateOf(lease.id))?.inEndpoints).toBe(true);

  it.pass(1_000);
  await it.dataPlane.untilPorts("orders", first.port);
  expect(await stateOf(lease.id)).toMatchObject({
    health: Health.HEALTH_UNAVAILABLE,
    problem: "the lease has run out",
  });
});

test("when all leases have run out calls go on as before", async () => {
  await using first = await startInstance();
  await using second = await startInstance();
  await it.client.register({ instance: { ...ORDERS, port: first.port } });
  await it.client.register({ instance: { ...ORDERS, port: second.port } });
  await it.dataPlane.untilPorts("orders", first.port, second.port);

  it.pass(60_000);

  const { service } = await it.client.getService({ service: "orders" });
  expect(service).toMatchObject({ panic: true, instances: [{ inEndpoints: true }, { inEndpoints: true }] });
  expect(it.dataPlane.last("orders")?.endpoints).toHaveLength(2);
});

test("any message renews the lease, an empty one too", async () => {
  await using instance = await startInstance();
  await using lease = await holdOrders(instance);
  const renewed = async () => (await stateOf(lease.id))?.problem === "";
  await it.dataPlane.untilPorts("orders", instance.port);

  for (const message of [{}, { event: { $case: "load" as const, value: {} } }]) {
    it.pass(10_000);
    expect(await renewed()).toBe(false);
    lease.send(message);
    while (!(await renewed()));
  }
});

test("an instance that drains is out before it hears that it is, and its stream ends", async () => {
  await using first = await startInstance();
  await using second = await startInstance();
  await using _first = await holdOrders(first);
  await using lease = await holdOrders(second);
  await it.dataPlane.untilPorts("orders", first.port, second.port);
  const settled = Promise.withResolvers<void>();
  it.dataPlane.settling = settled.promise;

  lease.send({ event: { $case: "drain", value: {} } });
  await it.dataPlane.untilPorts("orders", first.port);
  expect(await stateOf(lease.id)).toBeUndefined();
  settled.resolve();

  expect(await lease.next()).toEqual({ $case: "drained", value: {} });
  expect(await lease.next()).toBeUndefined();
  expect(logs.with({ msg: "the stream of an instance has ended" })).toEqual([]);
});

test("a drain does not wait for ever for clients that do not answer", async () => {
  await using hasty = await startRegistry({ ...database, settleMs: 50 });
  await using instance = await startInstance();
  await using lease = await hold(hasty.client, { ...ORDERS, port: instance.port });
  hasty.dataPlane.settling = new Promise(() => {});

  lease.send({ event: { $case: "drain", value: {} } });

  expect(await lease.next()).toEqual({ $case: "drained", value: {} });
});

test("a stream that says nothing does not stay", async () => {
  await using hasty = await startRegistry({ ...database, firstMessageMs: 50 });
  const lease = new HeldLease(hasty.client);

  await expect(lease.next()).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
});

test("a drain ends well though nobody can say whether clients know", async () => {
  await using instance = await startInstance();
  await using lease = await holdOrders(instance);
  it.dataPlane.settling = Promise.reject(new Error("broken"));

  lease.send({ event: { $case: "drain", value: {} } });

  expect(await lease.next()).toEqual({ $case: "drained", value: {} });
});

test("the last instance that drains leaves a service that is known and has nobody", async () => {
  await using instance = await startInstance();
  await using lease = await holdOrders(instance);
  await it.dataPlane.untilPorts("orders", instance.port);

  lease.send({ event: { $case: "drain", value: {} } });
  await lease.next();

  expect(await it.client.getService({ service: "orders" })).toEqual({
    service: { name: "orders", instances: [], panic: false, traffic: undefined },
  });
  expect(it.dataPlane.last("orders")).toMatchObject({ endpoints: [], grpcServices: ["bookmesh.testing.v1.EchoService"] });
});

test("an old stream has no say over an instance that has registered by a new one", async () => {
  await using instance = await startInstance();
  const before = await holdOrders(instance, { id: "orders-1" });
  const draining = await holdOrders(instance, { id: "orders-1" });
  await using after = await holdOrders(instance, { id: "orders-1" });
  await it.dataPlane.untilPorts("orders", instance.port);

  await before[Symbol.asyncDispose]();
  draining.send({ event: { $case: "drain", value: {} } });
  expect(await draining.next()).toEqual({ $case: "drained", value: {} });
  expect((await stateOf("orders-1"))?.inEndpoints).toBe(true);

  after.send({ event: { $case: "drain", value: {} } });
  await after.next();
  expect(await stateOf("orders-1")).toBeUndefined();
});

test("a stream whose instance somebody else has taken out is told so", async () => {
  await using instance = await startInstance();
  await using lease = await holdOrders(instance);
  await it.client.deregister({ instanceId: lease.id });

  lease.send({});

  await expect(lease.next()).rejects.toMatchObject({ code: Status.NOT_FOUND, reason: "INSTANCE_NOT_REGISTERED" });
});

test("programs without a stream register, say that they live, and leave", async () => {
  await using instance = await startInstance();
  const { instanceId, lease } = await it.client.register({ instance: { ...ORDERS, port: instance.port } });
  expect(lease).toEqual({ seconds: 10n, nanos: 0 });
  await it.dataPlane.untilPorts("orders", instance.port);

  for (let i = 0; i < 3; i++) {
    it.pass(9_000);
    expect(await it.client.heartbeat({ instanceId })).toEqual({ lease: { seconds: 10n, nanos: 0 } });
  }
  expect((await stateOf(instanceId))?.health).toBe(Health.HEALTH_HEALTHY);

  await it.client.deregister({ instanceId });
  await it.dataPlane.untilPorts("orders");
  await expect(it.client.deregister({ instanceId })).resolves.toEqual({});
});

test("an instance of HTTP is asked by HTTP, and is nothing to callers by gRPC", async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { instanceId } = await it.client.register({ instance: { ...ORDERS, port, protocol: Protocol.PROTOCOL_HTTP } });

  await logs.find({ msg: "the health of an instance has changed" });
  await it.client.register({ instance: { ...ORDERS, service: "reviews", port: 1 } });
  await it.dataPlane.until("reviews", () => true);

  expect(asked).toEqual(["/health"]);
  expect(await stateOf(instanceId)).toMatchObject({ health: Health.HEALTH_HEALTHY, inEndpoints: true });
  expect(it.dataPlane.last("orders")?.endpoints).toEqual([]);
  server.close();
});

test("an instance that says that it does not serve is out, and back within a second or so after it does", async () => {
  await using first = await startInstance();
  await using second = await startInstance();
  second.answer = { serving: 2 };
  await using _first = await holdOrders(first);
  await using _second = await holdOrders(second);
  await it.dataPlane.untilPorts("orders", first.port);
  await second.askedTimes(1);

  second.answer = { serving: 1 };

  await it.dataPlane.untilPorts("orders", first.port, second.port);
});

test("a registry that stops takes nobody out", async () => {
  await using instance = await startInstance();
  await using lease = await holdOrders(instance);
  await it.dataPlane.untilPorts("orders", instance.port);
  const told = it.dataPlane.updates.length;

  await it.server.drain();

  await expect(lease.next()).rejects.toMatchObject({ code: Status.UNAVAILABLE });
  await logs.find({ msg: "the stream of an instance has ended" });
  expect(it.dataPlane.updates).toHaveLength(told);
});

describe("a stream is refused", () => {
  const field = (path: string) => ({
    code: Status.INVALID_ARGUMENT,
    violations: [expect.objectContaining({ field: path })],
  });

  test.each([
    ["if it ends without a word", undefined, "instance"],
    ["if it begins with nothing", {}, "instance"],
    ["if it begins with a report", { event: { $case: "load" as const, value: {} } }, "instance"],
    ["if it begins with a drain", { event: { $case: "drain" as const, value: {} } }, "instance"],
    ["if the service has no name", instanceMessage({ service: "" }), "instance.service"],
    ["if the service has another name than services have", instanceMessage({ service: "Orders" }), "instance.service"],
    ["if the port is 0", instanceMessage({ port: 0 }), "instance.port"],
    ["if the port is too high", instanceMessage({ port: 65_536 }), "instance.port"],
    ["if the weight is too high", instanceMessage({ weight: 1_001 }), "instance.weight"],
    ["if the id is none", instanceMessage({ id: "a b" }), "instance.id"],
    ["if the path is none", instanceMessage({ healthCheckPath: "health" }), "instance.health_check_path"],
    ["if the path is two lines", instanceMessage({ healthCheckPath: "/\r\nHost: x" }), "instance.health_check_path"],
    ["if the protocol is unknown", instanceMessage({ protocol: 9 as Protocol }), "instance.protocol"],
    ["if the address is a name", instanceMessage({ address: "localhost" }), "instance.address"],
    ["if the address is all addresses", instanceMessage({ address: "::" }), "instance.address"],
  ])("%s", async (_when, message, path) => {
    const lease = newLease();
    if (message === undefined) lease.end();
    else lease.send(message);

    await expect(lease.next()).rejects.toMatchObject(field(path));

    expect((await it.client.listServices({})).services).toEqual([]);
  });

  test("if an instance comes again", async () => {
    await using instance = await startInstance();
    await using lease = await holdOrders(instance);

    lease.send(instanceMessage({ service: "reviews" }));

    await expect(lease.next()).rejects.toMatchObject(field("instance"));
    expect(await it.client.getService({ service: "orders" })).toBeDefined();
    await logs.find({ msg: "the stream of an instance has ended" });
  });

  test("if a later message breaks a rule of the contract", async () => {
    await using instance = await startInstance();
    await using lease = await holdOrders(instance);

    lease.send({ event: { $case: "load", value: { calls: [{ latencyCounts: Array(15).fill(1n) }] } } });

    await expect(lease.next()).rejects.toMatchObject(field("load.calls[0].latency_counts"));
    // It has lost its stream, as if that had broken.
    await logs.find({ msg: "the stream of an instance has ended" });
  });

  function instanceMessage(change: object) {
    return { event: { $case: "instance" as const, value: { ...ORDERS, port: 1, ...change } } };
  }
});

test.each([
  ["no instance", {}, "instance"],
  ["a port that there is not", { instance: { service: "orders", address: "127.0.0.1" } }, "instance.port"],
  ["an address that others cannot call", { instance: { service: "orders", address: "0.0.0.0", port: 1 } }, "instance.address"],
])("to register %s is refused", async (_what, request, path) => {
  await expect(it.client.register(request)).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [expect.objectContaining({ field: path })],
  });
});

test("who is not registered cannot say that it lives", async () => {
  await expect(it.client.heartbeat({ instanceId: "orders-1" })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    reason: "INSTANCE_NOT_REGISTERED",
    metadata: { instance: "orders-1" },
  });
});

test("a service that was never seen is not there", async () => {
  await expect(it.client.getService({ service: "orders" })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    reason: "SERVICE_NOT_REGISTERED",
    metadata: { service: "orders" },
  });
});

test("the registry says who it is, and who is connected by xDS", async () => {
  const client = { cluster: "shop", userAgent: "", connectTime: undefined, subscriptions: [] };
  it.dataPlane.connected.push({ ...client, nodeId: "b" }, { ...client, nodeId: "a" });

  expect((await it.client.listServices({})).registry).toEqual({
    id: "registry",
    description: "a test",
    startTime: it.clock.now(),
  });
  expect((await it.client.listClients({})).clients.map(({ nodeId }) => nodeId)).toEqual(["a", "b"]);
});

test("everything about an instance can be seen", async () => {
  await using instance = await startInstance();
  await using lease = await holdOrders(instance, { metadata: new Map([["owner", "ada"]]) });
  await it.dataPlane.untilPorts("orders", instance.port);
  lease.send({
    event: {
      $case: "load",
      value: {
        interval: { seconds: 2n },
        callsInFlight: 3,
        calls: [{ caller: "shop", method: "/bookmesh.testing.v1.EchoService/Get", ended: 4n, failed: 1n }],
      },
    },
  });
  while ((await stateOf(lease.id))?.load === undefined);

  expect(await stateOf(lease.id)).toEqual({
    instance: {
      ...{ ...ORDERS, id: lease.id, port: instance.port, protocol: Protocol.PROTOCOL_GRPC, weight: 1 },
      ...{ metadata: new Map([["owner", "ada"]]), healthCheckPath: "" },
    },
    health: Health.HEALTH_HEALTHY,
    lastCheckTime: it.clock.now(),
    problem: "",
    inEndpoints: true,
    ejected: false,
    registerTime: it.clock.now(),
    load: {
      callsInFlight: 3,
      rates: [
        {
          ...{ caller: "shop", method: "/bookmesh.testing.v1.EchoService/Get", callsPerSecond: 2, failedShare: 0.25 },
          ...{ meanLatency: { seconds: 0n, nanos: 0 }, p95Latency: undefined },
        },
      ],
    },
  });
});

test("what is found out about an instance later is no part of the call that registered it", async () => {
  await using instance = await startInstance();
  await using _lease = await holdOrders(instance);

  expect(await logs.find({ msg: "instance registered" })).toHaveProperty("trace_id");
  expect(await logs.find({ msg: "the health of an instance has changed" })).not.toHaveProperty("trace_id");
});

test("what an instance says of itself is not logged", async () => {
  await using instance = await startInstance();
  await using _lease = await holdOrders(instance, { metadata: new Map([["token", "s3cret"]]) });
  await it.client.register({ instance: { ...ORDERS, port: 1, metadata: new Map([["token", "s3cret"]]) } });

  expect(JSON.stringify(logs.all)).not.toContain("s3cret");
});
