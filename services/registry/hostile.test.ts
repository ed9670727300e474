import { once } from "node:events";
import { connect } from "node:http2";
import { Status } from "nice-grpc";
import { HoldLeaseRequest } from "../../gen/mesh/registry/v1/registry_service.ts";
import { type TestDatabase, testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { CALLER_HEADER, plaintext } from "../../test/support/plaintext.ts";
import { frame, rawCall } from "../../test/support/raw-call.ts";
import { HealthProbe } from "./health-probe.ts";
import { startRegistry, type TestRegistry } from "./testing.ts";
import { startInstance } from "./testing-instance.ts";
import { hold } from "./testing-lease.ts";

const HOLD_LEASE = "/mesh.registry.v1.RegistryService/HoldLease";
const MOST = 18_446_744_073_709_551_615n;

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

/** Whether the registry still does for others what it is there for. */
async function expectUsable(): Promise<void> {
  await using instance = await startInstance();
  await using lease = await hold(it.client, { service: "others", address: "127.0.0.1", port: instance.port });
  await it.dataPlane.untilPorts("others", instance.port);
  lease.send({ event: { $case: "drain", value: {} } });
  expect(await lease.next()).toEqual({ $case: "drained", value: {} });
  await it.client.listServices({});
}

test.each<[string, Uint8Array[]]>([
  ["bytes that are no message", [frame(Buffer.from("ffffffffff", "hex"))]],
  ["a message that ends in its middle", [frame(Buffer.from([0x0a, 0x7f, 0x0a]))]],
  ["a frame that ends in its middle", [Buffer.from([0, 0, 0, 1])]],
  ["no frame", []],
  ["a message that says it is compressed", [frame(Buffer.from("hello"), 1)]],
])("%s on a stream hurts nobody else", async (_what, body) => {
  const { status } = await rawCall({ port: it.port, path: HOLD_LEASE, body });

  expect(status).not.toBe(Status.OK);
  await expectUsable();
});

test("an instance that sends bytes that are no message is lost, not forgotten", async () => {
  const session = connect(`http://127.0.0.1:${it.port}`);
  const headers = { ":method": "POST", ":path": HOLD_LEASE, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request({ ...headers, [CALLER_HEADER]: "orders" });
  const instance = { service: "orders", address: "127.0.0.1", port: 1 };
  const first = HoldLeaseRequest.fromPartial({ event: { $case: "instance", value: instance } });
  stream.write(frame(HoldLeaseRequest.encode(first).finish()));
  await once(stream, "data");

  stream.write(frame(Buffer.from("ffffffffff", "hex")));
  await logs.find({ msg: "the stream of an instance has ended" });
  session.destroy();

  expect((await it.client.getService({ service: "orders" })).service?.instances).toHaveLength(1);
  await expectUsable();
});

test("a message that is larger than the contract allows ends the stream of its sender only", async () => {
  await using instance = await startInstance();
  await using lease = await hold(it.client, { service: "orders", address: "127.0.0.1", port: instance.port });

  const calls = Array.from({ length: 1_000 }, (_, i) => ({ method: `${i}`.padEnd(1_000) }));
  lease.send({ event: { $case: "load", value: { calls } } });

  await expect(lease.next()).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  await expectUsable();
});

test("reports of numbers that cannot be are shown as numbers that can", async () => {
  await using instance = await startInstance();
  await using lease = await hold(it.client, { service: "orders", address: "127.0.0.1", port: instance.port });
  const calls = Array.from({ length: 400 }, (_, i) => ({
    ...{ caller: `c${i}`, method: "/a.B/C", ended: MOST, failed: MOST, latencyCounts: Array(14).fill(MOST) },
    totalLatency: { seconds: -9_223_372_036_854_775_808n, nanos: -2_147_483_648 },
  }));

  for (let i = 0; i < 50; i++) {
    lease.send({
      event: { $case: "load", value: { callsInFlight: 4_294_967_295, calls, interval: { seconds: -1n, nanos: 5 } } },
    });
  }
  const shown = async () => (await it.client.listServices({}, { deadlineMs: 10_000 })).services[0]?.instances[0]?.load;
  while ((await shown()) === undefined);

  const { rates = [] } = (await shown()) ?? {};
  expect(rates).toHaveLength(100);
  expect(rates[0]).toMatchObject({ failedShare: 1, meanLatency: { seconds: 0n, nanos: 0 } });
  await expectUsable();
});

test("names that objects have already are names like others", async () => {
  const services = ["constructor", "valueof", "tostring", "hasownproperty"];
  for (const service of services) {
    await it.client.register({ instance: { service, address: "127.0.0.1", port: 1, id: `${service}-1` } });
    await it.traffic.setFault({ service, fault: { percent: 1, abortCode: 1 } });
  }

  expect((await it.client.listServices({})).services.map(({ name }) => name)).toEqual(services.toSorted());
  expect((await it.traffic.restore({})).services).toEqual(services.toSorted());
  for (const service of ["__proto__", "☃", "a\nb", "ORDERS"]) {
    await expect(it.client.getService({ service })).rejects.toMatchObject({ code: Status.NOT_FOUND, metadata: { service } });
  }
});

test("a hundred instances that hang do not keep another one waiting", async () => {
  // As long as they like: a test that waited for one of them would not end in time.
  await using patient = await startRegistry({
    ...database,
    asker: new HealthProbe({ answerMs: 3_600_000, credentials: plaintext() }),
  });
  await using silent = await startInstance();
  silent.answer = "silent";
  await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      patient.client.register({ instance: { service: "orders", address: `127.2.0.${i + 1}`, port: silent.port } }),
    ),
  );
  await silent.askedTimes(100);

  await using instance = await startInstance();
  await patient.client.register({ instance: { service: "others", address: "127.0.0.1", port: instance.port } });

  await patient.dataPlane.untilPorts("others", instance.port);
});

test("who opens streams and leaves them open takes nothing from others but streams", async () => {
  const open = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      hold(it.client, { service: "orders", address: "127.0.0.1", port: 1, id: `orders-${i}` }),
    ),
  );

  await expectUsable();

  await Promise.all(open.map((lease) => lease[Symbol.asyncDispose]()));
  it.pass(10_000);
  expect((await it.client.getService({ service: "orders" })).service?.instances).toHaveLength(200);
});
