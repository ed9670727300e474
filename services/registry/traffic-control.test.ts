import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import type { Asker } from "./registry.ts";
import { openRegistryStore } from "./store.ts";
import { startRegistry, type TestRegistry } from "./testing.ts";
import type { TrafficStore } from "./traffic.ts";

const ASKER: Asker = { ask: async () => ({ health: "healthy", problem: "" }), release() {}, close() {} };
const FAULT = { percent: 50, abortCode: 14, delayMs: 0 };

async function register({ client, dataPlane }: TestRegistry, ...ports: number[]): Promise<void> {
  for (const port of ports) {
    await client.register({ instance: { service: "orders", address: "192.0.2.1", port, version: "v1" } });
  }
  await dataPlane.untilPorts("orders", ...ports);
}

const setFault = ({ traffic }: TestRegistry, percent: number) =>
  traffic.setFault({ service: "orders", fault: { percent, abortCode: 14 } });

test("rules outlive the registry", async () => {
  await using database = await testDatabase();
  {
    await using it = await startRegistry({ ...database, asker: ASKER });
    await register(it, 1, 2);
    await setFault(it, 50);
    await it.traffic.setSplit({ service: "orders", shares: [{ version: "v1", percent: 100 }] });
    await it.traffic.ejectInstance({ instanceId: "orders@192.0.2.1:1" });
  }

  await using it = await startRegistry({ ...database, asker: ASKER });
  for (const port of [1, 2]) {
    await it.client.register({ instance: { service: "orders", address: "192.0.2.1", port, version: "v1" } });
  }
  const routed = await it.dataPlane.untilPorts("orders", 2);

  expect(routed).toMatchObject({ fault: FAULT, split: [{ version: "v1", percent: 100 }] });
  expect(it.dataPlane.updates.every(({ fault }) => fault !== undefined)).toBe(true);
});

test("what one registry is told is in force at all that share its store", async () => {
  await using database = await testDatabase();
  await using first = await startRegistry({ ...database, asker: ASKER });
  await using second = await startRegistry({ ...database, asker: ASKER });
  await register(first, 1, 2);
  await register(second, 1, 2);

  await setFault(first, 50);
  await second.dataPlane.until("orders", ({ fault }) => fault?.percent === 50);
  await second.traffic.ejectInstance({ instanceId: "orders@192.0.2.1:1" });
  await first.dataPlane.untilPorts("orders", 2);
  await second.traffic.restore({});
  await first.dataPlane.until("orders", ({ fault, endpoints }) => fault === undefined && endpoints.length === 2);

  // Each of them decides by what is stored, not by what it has noticed so far.
  const ejected = await Promise.allSettled([
    first.traffic.ejectInstance({ instanceId: "orders@192.0.2.1:1" }),
    second.traffic.ejectInstance({ instanceId: "orders@192.0.2.1:2" }),
  ]);
  expect(ejected.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});

test("changes that two registries make at the same time do not lose one another", async () => {
  await using database = await testDatabase();
  await using first = await startRegistry({ ...database, asker: ASKER });
  await using second = await startRegistry({ ...database, asker: ASKER });
  await register(first, 1, 2, 3);
  await register(second, 1, 2, 3);

  await Promise.all([
    setFault(first, 50),
    second.traffic.setSplit({ service: "orders", shares: [{ version: "v1", percent: 100 }] }),
    first.traffic.ejectInstance({ instanceId: "orders@192.0.2.1:1" }),
    second.traffic.ejectInstance({ instanceId: "orders@192.0.2.1:2" }),
  ]);

  for (const { dataPlane } of [first, second]) {
    await dataPlane.until(
      "orders",
      ({ fault, split, endpoints }) => fault !== undefined && split.length === 1 && endpoints.length === 1,
    );
  }
});

test("when the store is gone nothing can be changed, what is set stays in force, and that is said once", async () => {
  await using database = await testDatabase();
  const logs = new LogLines();
  await using store = await switchableStore(database.url);
  await using it = await startRegistry({ ...database, store, logs, asker: ASKER, pollIntervalMs: 1 });
  await register(it, 1, 2);
  await setFault(it, 50);

  store.gone = true;
  await expect(setFault(it, 60)).rejects.toThrow(/UNAVAILABLE.*the store cannot be reached/);
  await store.looks(5);

  expect((await it.client.getService({ service: "orders" })).service?.traffic?.fault?.percent).toBe(50);
  await it.client.deregister({ instanceId: "orders@192.0.2.1:1" });
  expect((await it.dataPlane.untilPorts("orders", 2)).fault?.percent).toBe(50);
  expect(logs.all.filter(({ msg }) => String(msg).includes("cannot look for changes"))).toHaveLength(1);

  store.gone = false;
  await setFault(it, 60);
  await logs.find({ msg: "the store of the traffic rules is back" });
});

test("a look that began before a command ended does not undo the command", async () => {
  await using database = await testDatabase();
  await using store = await switchableStore(database.url);
  // Never looks by itself.
  await using it = await startRegistry({ ...database, store, asker: ASKER, pollIntervalMs: 60_000 });
  await register(it, 1);
  await setFault(it, 10);
  await using other = await startRegistry({ ...database, asker: ASKER });
  await register(other, 1);
  await setFault(other, 20);

  store.hold();
  const look = it.registry.control.look();
  await store.held;
  await setFault(it, 30);
  store.letGo();
  await look;

  expect(it.registry.control.rulesOf("orders").fault?.percent).toBe(30);
});

/** A store that can be gone, and that can hold back what it has loaded. */
async function switchableStore(url: string) {
  const store = await openRegistryStore(url, createLogger({ name: "test", level: "silent", destination: new LogLines() }));
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let holding = false;
  let looked = 0;
  const switchable = {
    ...store,
    gone: false,
    held: held.promise,
    hold() {
      holding = true;
    },
    letGo: () => released.resolve(),
    async looks(times: number) {
      const until = looked + times;
      while (looked < until) await new Promise((resolve) => setImmediate(resolve));
    },
    async revision() {
      looked++;
      if (switchable.gone) throw refused;
      return store.revision();
    },
    async load() {
      const loaded = await store.load();
      if (holding) {
        held.resolve();
        await released.promise;
      }
      return loaded;
    },
    async change(...decide: Parameters<TrafficStore["change"]>) {
      if (switchable.gone) throw refused;
      return store.change(...decide);
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
  return switchable;
}
