import { type TestDatabase, testDatabase } from "../../test/support/database.ts";
import { hold, startInstance, startRegistry, type TestRegistry } from "./testing.ts";

let database: TestDatabase;
let it: TestRegistry;
beforeEach(async () => {
  database = await testDatabase();
  it = await startRegistry(database);
});
afterEach(async () => {
  await it[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** An address of this machine for each instance: all of 127.0.0.0/8 is. */
const addressOf = (i: number) => `127.1.${i >> 8}.${i & 255}`;

test("two thousand instances that register at once are all called soon", async () => {
  await using instance = await startInstance();
  const service = { service: "orders", port: instance.port, grpcServices: ["shop.Orders"] };
  // One process is all of them, the registry too: that takes its time.
  const register = (i: number) => it.client.register({ instance: { ...service, address: addressOf(i) } }, { deadlineMs: 10_000 });
  await Promise.all(Array.from({ length: 2_000 }, (_, i) => register(i)));
  await it.dataPlane.until("orders", ({ endpoints }) => endpoints.length === 2_000);

  // Far fewer updates than changes.
  expect(it.dataPlane.updates.length).toBeLessThan(500);
  const { service: state } = await it.client.getService({ service: "orders" });
  expect(state?.instances.every(({ inEndpoints }) => inEndpoints)).toBe(true);
});

test("five hundred streams that break at once take nobody out who answers", async () => {
  await using instance = await startInstance();
  const service = { service: "orders", port: instance.port };
  const leases = await Promise.all(Array.from({ length: 500 }, (_, i) => hold(it.client, { ...service, address: addressOf(i) })));
  await it.dataPlane.until("orders", ({ endpoints }) => endpoints.length === 500);
  const told = it.dataPlane.updates.length;
  const asked = instance.asked;

  await Promise.all(leases.map((lease) => lease[Symbol.asyncDispose]()));
  await instance.askedTimes(asked + 500);

  expect(it.dataPlane.updates).toHaveLength(told);
});
