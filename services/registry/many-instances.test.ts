import { testDatabase } from "../../test/support/database.ts";
import type { Asker } from "./registry.ts";
import { startRegistry } from "./testing.ts";
import { startInstance } from "./testing-instance.ts";
import { hold } from "./testing-lease.ts";

/** One process is the registry and all instances here: it takes its time. */
const TIMEOUT_MS = 60_000;

/** An address of this machine for each instance: all of 127.0.0.0/8 is. */
const addressOf = (i: number) => `127.1.${i >> 8}.${i & 255}`;

test(
  "two thousand instances that register, twenty at a time, are all called soon",
  async () => {
    const asker: Asker = { ask: async () => ({ health: "healthy", problem: "" }), release() {}, close() {} };
    await using database = await testDatabase();
    await using it = await startRegistry({ ...database, asker });
    const service = { service: "orders", port: 1, grpcServices: ["shop.Orders"] };

    const register = (i: number) =>
      it.client.register({ instance: { ...service, address: addressOf(i) } }, { deadlineMs: 10_000 });
    // All at once, the calls alone would keep this process from hearing that its peer lives.
    const registerEach = async (first: number) => {
      for (let i = first; i < 2_000; i += 20) await register(i);
    };
    await Promise.all(Array.from({ length: 20 }, (_, first) => registerEach(first)));
    await it.dataPlane.until("orders", ({ endpoints }) => endpoints.length === 2_000);

    // Far fewer updates than changes.
    expect(it.dataPlane.updates.length).toBeLessThan(500);
    const { service: state } = await it.client.getService({ service: "orders" });
    expect(state?.instances.every(({ inEndpoints }) => inEndpoints)).toBe(true);
  },
  TIMEOUT_MS,
);

test(
  "a hundred streams that break at once take nobody out who answers",
  async () => {
    await using database = await testDatabase();
    await using it = await startRegistry(database);
    await using instance = await startInstance();
    const service = { service: "orders", port: instance.port };
    const leases = await Promise.all(
      Array.from({ length: 100 }, (_, i) => hold(it.client, { ...service, address: addressOf(i) })),
    );
    await it.dataPlane.until("orders", ({ endpoints }) => endpoints.length === 100);
    const told = it.dataPlane.updates.length;
    const asked = instance.asked;

    await Promise.all(leases.map((lease) => lease[Symbol.asyncDispose]()));
    await instance.askedTimes(asked + 100);

    expect(it.dataPlane.updates).toHaveLength(told);
  },
  TIMEOUT_MS,
);
