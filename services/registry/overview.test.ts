import { testDatabase } from "../../test/support/database.ts";
import { read } from "../../test/support/service.ts";
import type { ServiceView } from "./catalog-view.ts";
import type { Instance } from "./instance.ts";
import { Overview } from "./overview.ts";
import type { Asker } from "./registry.ts";
import { startRegistry } from "./testing.ts";
import { NO_RULES } from "./traffic.ts";

const ASKER: Asker = { ask: async () => ({ health: "healthy", problem: "" }), release() {}, close() {} };

function instance(id: string, change: Partial<Instance> = {}): Instance {
  return {
    ...{ id, service: "orders", address: "192.0.2.1", port: 1, protocol: "grpc", version: "", zone: "", weight: 1 },
    ...{ metadata: new Map(), grpcServices: ["shop.Orders"], healthCheckPath: "/health" },
    ...change,
  };
}

function view(instances: Instance[]): ServiceView {
  const state = { health: "healthy", problem: "", lastCheckAt: undefined, inEndpoints: true, ejected: false } as const;
  return {
    ...{ name: "orders", grpcServices: [], panic: false },
    instances: instances.map((one) => ({ ...state, instance: one, registeredAt: new Date(0) })),
  };
}

/** An overview of services that can be changed, and the number of times that somebody looked at them. */
function newOverview(services: ServiceView[] = [], rates = 0) {
  const rate = { caller: "a".repeat(63), method: "m".repeat(256), callsPerSecond: 1, failedShare: 0 };
  const load = {
    callsInFlight: 1,
    rates: Array(rates).fill({ ...rate, meanLatency: undefined, p95Latency: undefined }),
  };
  const looks = { count: 0 };
  const overview = new Overview({
    list: () => {
      looks.count++;
      return services;
    },
    rulesOf: () => NO_RULES,
    loadOf: () => load,
  });
  return Object.assign(overview, { looks, [Symbol.dispose]: () => overview.close() });
}

test("all who look between two changes see what was made for the first of them", () => {
  using overview = newOverview();
  overview.services();
  overview.services();
  expect(overview.looks.count).toBe(1);

  overview.changed();
  overview.services();
  overview.loadChanged();
  overview.services();
  expect(overview.looks.count).toBe(3);
});

test("who watches sees what is, and then changes, those that come close together as one", async () => {
  using overview = newOverview();
  const controller = new AbortController();
  await using stream = read(overview.watch(controller.signal));
  await stream.next();
  const startedAt = performance.now();

  for (let i = 0; i < 3; i++) {
    overview.changed();
    const next = stream.next();
    for (let j = 0; j < 10; j++) {
      await new Promise(setImmediate);
      overview.changed();
    }
    await next;
  }

  expect(performance.now() - startedAt).toBeGreaterThan(250);
  expect(overview.looks.count).toBeLessThanOrEqual(4);
  controller.abort();
});

test("who watches sees load alone every two seconds", async () => {
  using overview = newOverview();
  const controller = new AbortController();
  await using stream = read(overview.watch(controller.signal));
  await stream.next();
  const startedAt = performance.now();

  overview.loadChanged();
  await stream.next();

  expect(performance.now() - startedAt).toBeGreaterThan(1_000);
  controller.abort();
});

test("what is too much for one message is shown with less detail", () => {
  using overview = newOverview([view(Array.from({ length: 1_000 }, (_, i) => instance(`orders-${i}`)))], 100);

  const [service] = overview.services();

  expect(service?.instances).toHaveLength(1_000);
  expect(service?.instances[0]?.load?.rates).toHaveLength(10);
  expect(service?.instances[0]?.instance?.grpcServices).toEqual(["shop.Orders"]);
});

test("one who says very much about itself keeps nobody from seeing the others", () => {
  const metadata = new Map(Array.from({ length: 32 }, (_, i) => [`key${i}`, "x".repeat(512)]));
  using overview = newOverview([view(Array.from({ length: 1_000 }, (_, i) => instance(`orders-${i}`, { metadata })))]);

  const [service] = overview.services();

  expect(service?.instances).toHaveLength(1_000);
  expect(service?.instances[0]?.instance?.metadata.size).toBe(0);
});

test("in the end instances are left out", () => {
  const long = { version: "v".repeat(63), zone: "z".repeat(63), healthCheckPath: `/${"x".repeat(255)}` };
  const instances = Array.from({ length: 10_000 }, (_, i) => instance(`${i}-`.padEnd(128, "x"), { ...long, protocol: "http" }));
  using overview = newOverview([view(instances)]);

  const [service] = overview.services();

  expect(service?.instances.length).toBeGreaterThan(5_000);
  expect(service?.instances.length).toBeLessThan(10_000);
});

test("watchers of a registry see an instance come, fare and go", async () => {
  await using database = await testDatabase();
  await using it = await startRegistry({ ...database, asker: ASKER });
  await using watch = read(it.client.watchServices({}));
  expect(await watch.next()).toEqual({ services: [] });

  const { instanceId } = await it.client.register({ instance: { service: "orders", address: "192.0.2.1", port: 1 } });
  let seen = await watch.next();
  while (!seen.services[0]?.instances[0]?.inEndpoints) seen = await watch.next();
  await it.client.deregister({ instanceId });
  while (seen.services[0]?.instances.length !== 0) seen = await watch.next();

  expect(seen.services).toEqual([{ name: "orders", instances: [], panic: false, traffic: undefined }]);
});
