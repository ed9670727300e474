import { Catalog, FORGET_AFTER_MS } from "./catalog.ts";
import type { HealthReport } from "./catalog-entry.ts";
import type { Instance } from "./instance.ts";
import { ManualClock } from "./testing.ts";
import { NO_RULES, type Rules } from "./traffic.ts";

const LEASE_MS = 10_000;
const HEALTHY: HealthReport = { health: "healthy", problem: "" };
const REFUSED: HealthReport = { health: "unavailable", problem: "connection refused" };

function instance(id: string, change: Partial<Instance> = {}): Instance {
  return {
    ...{ id, service: "orders", address: "192.0.2.1", port: 1_000 + Number(id.slice(1)), protocol: "grpc", version: "v1" },
    ...{ zone: "", weight: 1, metadata: new Map(), grpcServices: ["shop.Orders"], healthCheckPath: "/health" },
    ...change,
  };
}

function newCatalog() {
  const told = { changed: [] as string[], asked: [] as string[], expired: [] as string[], gone: [] as string[], checked: 0 };
  const clock = new ManualClock();
  const rules = new Map<string, Rules>();
  const catalog = new Catalog({
    ...{ leaseMs: LEASE_MS, clock },
    rulesOf: (service) => rules.get(service) ?? NO_RULES,
    events: {
      changed: (service) => told.changed.push(service),
      checked: () => told.checked++,
      ask: ({ id }) => told.asked.push(id),
      expired: ({ id }) => told.expired.push(id),
      gone: (id) => told.gone.push(id),
    },
  });
  return {
    ...{ catalog, clock, told, rules },
    pass: (ms: number) => clock.pass(ms, catalog),
    /** Registers an instance that answers well. */
    healthy(id: string, change: Partial<Instance> = {}) {
      const one = instance(id, change);
      const lease = catalog.register(one);
      catalog.setHealth(one, HEALTHY);
      return { lease, is: (report: HealthReport) => catalog.setHealth(one, report) };
    },
    /** The ids of those to which calls go. */
    called: (service = "orders") =>
      catalog.get(service)?.instances.flatMap(({ instance: { id }, inEndpoints }) => (inEndpoints ? [id] : [])),
    healthOf: (id: string) =>
      catalog
        .list()
        .flatMap(({ instances }) => instances)
        .find((view) => view.instance.id === id)?.health,
  };
}

test("an instance is asked for its health as soon as it registers, and called as soon as it answers well", () => {
  const it = newCatalog();
  const one = instance("a1");
  it.catalog.register(one);
  expect(it.told.asked).toEqual(["a1"]);
  expect(it.called()).toEqual([]);
  expect(it.catalog.get("orders")?.panic).toBe(false);

  it.catalog.setHealth(one, HEALTHY);

  expect(it.called()).toEqual(["a1"]);
});

test("one that does not answer is not called while others are well", () => {
  const it = newCatalog();
  it.healthy("a1");
  const second = it.healthy("a2");

  second.is(REFUSED);
  expect(it.called()).toEqual(["a1"]);
  expect(it.catalog.get("orders")?.instances[1]).toMatchObject({ health: "unavailable", problem: "connection refused" });

  second.is(HEALTHY);
  expect(it.called()).toEqual(["a1", "a2"]);
});

test("when none is well all that ever were are called, and one that is well ends that", () => {
  const it = newCatalog();
  const first = it.healthy("a1");
  const second = it.healthy("a2");
  const never = instance("a3");
  it.catalog.register(never);
  it.catalog.setHealth(never, REFUSED);

  first.is(REFUSED);
  second.is({ health: "unhealthy", problem: "it answers that it does not serve" });
  expect(it.called()).toEqual(["a1", "a2"]);
  expect(it.catalog.get("orders")?.panic).toBe(true);

  second.is(HEALTHY);
  expect(it.called()).toEqual(["a2"]);
  expect(it.catalog.get("orders")?.panic).toBe(false);
});

test("a lease that has run out takes an instance out, and a renewal brings it back", () => {
  const it = newCatalog();
  const { lease } = it.healthy("a1");
  const other = it.healthy("a2");
  it.pass(LEASE_MS - 200);
  other.lease.renew();
  expect(it.called()).toEqual(["a1", "a2"]);

  it.pass(200);
  expect(it.called()).toEqual(["a2"]);
  expect(it.told.expired).toEqual(["a1"]);
  expect(it.catalog.get("orders")?.instances[0]).toMatchObject({ health: "unavailable", problem: "the lease has run out" });

  it.told.asked.length = 0;
  expect(lease.renew()).toBe("held");
  expect(it.called()).toEqual(["a1", "a2"]);
  expect(it.told.asked).toEqual(["a1"]);
});

test("leases that have run out take nobody out if nobody else is left", () => {
  const it = newCatalog();
  it.healthy("a1");
  it.healthy("a2");

  it.pass(LEASE_MS);

  expect(it.called()).toEqual(["a1", "a2"]);
  expect(it.catalog.get("orders")?.panic).toBe(true);
});

test("an answer does not make up for a lease that has run out", () => {
  const it = newCatalog();
  const first = it.healthy("a1");
  it.pass(LEASE_MS);

  first.is(HEALTHY);

  expect(it.healthOf("a1")).toBe("unavailable");
});

test("an instance is forgotten when its lease has been out for five minutes, and its service is not", () => {
  const it = newCatalog();
  const { lease } = it.healthy("a1");

  it.pass(LEASE_MS + FORGET_AFTER_MS - 200);
  expect(it.called()).toEqual(["a1"]);
  it.pass(200);

  expect(it.told.gone).toEqual(["a1"]);
  expect(lease.renew()).toBe("gone");
  expect(it.catalog.get("orders")).toEqual({ name: "orders", grpcServices: ["shop.Orders"], instances: [], panic: false });
});

test("time in which the registry itself stood still is nobody's fault", () => {
  const it = newCatalog();
  const { lease } = it.healthy("a1");
  it.pass(LEASE_MS - 1_000);

  it.clock.jump(3_600_000);
  it.catalog.sweep();
  expect(it.healthOf("a1")).toBe("healthy");

  expect(lease.renew()).toBe("held");
  it.pass(LEASE_MS);
  expect(it.healthOf("a1")).toBe("unavailable");
});

test("one whose stream is lost stays for the rest of its lease, and is asked at once", () => {
  const it = newCatalog();
  const first = it.healthy("a1");
  it.healthy("a2").lease.renew();
  it.told.asked.length = 0;

  first.lease.lost();
  expect(it.told.asked).toEqual(["a1"]);
  expect(it.called()).toEqual(["a1", "a2"]);
  first.is(REFUSED);

  expect(it.called()).toEqual(["a2"]);
});

test("one that leaves is out at once", () => {
  const it = newCatalog();
  const { lease } = it.healthy("a1");
  it.healthy("a2");

  lease.remove();

  expect(it.called()).toEqual(["a2"]);
  expect(it.told.gone).toEqual(["a1"]);
  expect(it.catalog.find("a1")).toBeUndefined();
});

test("who held an id gets it back when whoever has taken it over is gone", () => {
  const it = newCatalog();
  const before = it.catalog.register(instance("a1"));
  const thief = it.catalog.register(instance("a1", { address: "127.9.9.9" }));
  expect(before.renew()).toBe("taken over");

  thief.lost();

  expect(before.renew()).toBe("gone");
});

test("who registers an id takes it over from whoever held it", () => {
  const it = newCatalog();
  const before = it.healthy("a1").lease;
  const after = it.healthy("a1").lease;

  expect(before.renew()).toBe("taken over");
  before.lost();
  before.remove();
  expect(it.called()).toEqual(["a1"]);
  it.pass(LEASE_MS - 200);
  before.renew();
  it.pass(200);
  expect(it.healthOf("a1")).toBe("unavailable");

  after.remove();
  expect(it.called()).toEqual([]);
  expect(before.renew()).toBe("gone");
});

test("one that comes back in the same place goes on as it was", () => {
  const it = newCatalog();
  it.healthy("a1").lease.lost();

  it.catalog.register(instance("a1", { version: "v2" }));

  expect(it.called()).toEqual(["a1"]);
  expect(it.catalog.get("orders")?.instances[0]?.instance.version).toBe("v2");
});

test("one that comes back in another place has to prove itself again", () => {
  const it = newCatalog();
  it.healthy("a1");
  it.healthy("a2");

  it.catalog.register(instance("a1", { port: 4_000 }));

  expect(it.called()).toEqual(["a2"]);
});

test("an answer to what was asked before it registered again does not count", () => {
  const it = newCatalog();
  const before = it.healthy("a1");
  it.catalog.register(instance("a1", { port: 4_000 }));

  expect(before.is(HEALTHY)).toBe(false);

  expect(it.healthOf("a1")).toBe("unknown");
});

test("one that moves to another service leaves the one it was in", () => {
  const it = newCatalog();
  it.healthy("a1");
  it.told.changed.length = 0;

  it.catalog.register(instance("a1", { service: "reviews" }));

  expect(it.catalog.get("orders")?.instances).toEqual([]);
  expect(it.catalog.get("reviews")?.instances).toHaveLength(1);
  expect(new Set(it.told.changed)).toEqual(new Set(["orders", "reviews"]));
});

test.each<[string, (it: ReturnType<typeof newCatalog>, before: ReturnType<ReturnType<typeof newCatalog>["healthy"]>) => void]>([
  ["whose stream is lost", (_, { lease }) => lease.lost()],
  ["that does not answer", (_, { is }) => void is(REFUSED)],
  ["whose lease has run out", ({ pass }) => pass(LEASE_MS)],
])("one %s is replaced by another one in the same place", (_how, die) => {
  const it = newCatalog();
  die(it, it.healthy("a1", { port: 4_000 }));

  it.healthy("a2", { port: 4_000 });

  expect(it.catalog.get("orders")?.instances.map(({ instance: { id } }) => id)).toEqual(["a2"]);
  expect(it.told.gone).toEqual(["a1"]);
});

test("one that is alive is not replaced by another one in the same place, and clients are told of the place once", () => {
  const it = newCatalog();
  it.healthy("a2", { port: 4_000, version: "v1" });
  it.pass(200);
  it.healthy("a1", { port: 4_000, version: "v2" });

  expect(it.called()).toEqual(["a1", "a2"]);
  expect(it.catalog.routed("orders")?.endpoints).toEqual([
    { address: "192.0.2.1", port: 4_000, version: "v2", zone: "", weight: 1 },
  ]);
});

test("what an instance of HTTP does is nothing to callers by gRPC", () => {
  const it = newCatalog();
  const grpc = it.healthy("a1");
  it.healthy("a2", { protocol: "http" });
  expect(it.called()).toEqual(["a1", "a2"]);
  expect(it.catalog.routed("orders")?.endpoints).toHaveLength(1);

  grpc.is(REFUSED);

  expect(it.called()).toEqual(["a1", "a2"]);
  expect(it.catalog.routed("orders")?.endpoints).toHaveLength(1);
});

test("one that is ejected is not called, also when it registers again, or when no other is well", () => {
  const it = newCatalog();
  const first = it.healthy("a1");
  const second = it.healthy("a2");

  it.rules.set("orders", { ...NO_RULES, ejected: new Set(["a1"]) });
  it.catalog.rulesChanged("orders");
  expect(it.called()).toEqual(["a2"]);
  expect(it.catalog.get("orders")?.instances[0]?.ejected).toBe(true);

  first.lease.remove();
  it.healthy("a1");
  expect(it.called()).toEqual(["a2"]);

  second.is(REFUSED);
  expect(it.called()).toEqual(["a2"]);
});

test("a service serves what its instances serve together, and what the last one served when all are gone", () => {
  const it = newCatalog();
  const { lease: first } = it.healthy("a1", { grpcServices: ["shop.Old", "shop.Orders"] });
  const { lease: second } = it.healthy("a2", { grpcServices: ["shop.New", "shop.Orders"] });
  expect(it.catalog.get("orders")?.grpcServices).toEqual(["shop.New", "shop.Old", "shop.Orders"]);

  first.remove();
  expect(it.catalog.get("orders")?.grpcServices).toEqual(["shop.New", "shop.Orders"]);
  second.remove();
  expect(it.catalog.routed("orders")).toMatchObject({ grpcServices: ["shop.New", "shop.Orders"], endpoints: [] });
});

test("only what is new is told as a change", () => {
  const it = newCatalog();
  const first = it.healthy("a1");
  it.told.changed.length = 0;

  first.is(HEALTHY);
  first.lease.renew();
  it.pass(5_000);
  expect(it.told).toMatchObject({ changed: [], checked: 1 });

  first.is(REFUSED);
  expect(it.told.changed).toEqual(["orders"]);
});

test("services and instances are in the order of their names", () => {
  const it = newCatalog();
  for (const [id, service] of [
    ["a2", "reviews"],
    ["a10", "orders"],
    ["a1", "orders"],
  ] as const) {
    it.healthy(id, { service });
  }

  expect(it.catalog.list().map(({ name, instances }) => [name, instances.map(({ instance: { id } }) => id)])).toEqual([
    ["orders", ["a1", "a10"]],
    ["reviews", ["a2"]],
  ]);
});

test("the registry takes so many instances and no more, but lets those it knows register again", () => {
  const it = newCatalog();
  for (let i = 0; i < 10_000; i++) {
    it.catalog.register(instance(`a${i}`, { service: `s${i % 3}`, port: 1, address: `10.0.${i >> 8}.${i & 255}` }));
  }

  const full = expect.objectContaining({ kind: "exhausted", reason: "REGISTRY_FULL" });
  expect(() => it.catalog.register(instance("b1"))).toThrow(full);
  expect(() => it.catalog.register(instance("a1", { service: "s1" }))).not.toThrow();
  it.catalog.remove("a2");
  expect(() => it.catalog.register(instance("b1"))).not.toThrow();
});

test("instances that keep no lease leave the room to those that do", () => {
  const it = newCatalog();
  const register = (id: string) => it.catalog.register(instance(id, { service: "legacy" }), Number.POSITIVE_INFINITY);
  for (let i = 0; i < 1_000; i++) register(`a${i}`);

  expect(() => register("a1000")).toThrow(expect.objectContaining({ kind: "exhausted", reason: "REGISTRY_FULL" }));
  expect(() => register("a7")).not.toThrow();
  expect(() => it.catalog.register(instance("b1"))).not.toThrow();

  it.catalog.remove("a7");
  expect(() => register("a1000")).not.toThrow();
  it.catalog.register(instance("a8", { service: "legacy" }));
  expect(() => register("a1001")).not.toThrow();
});

test("one service gets half of the room at most", () => {
  const it = newCatalog();
  for (let i = 0; i < 5_000; i++) it.catalog.register(instance(`a${i}`, { port: 1, address: `10.0.${i >> 8}.${i & 255}` }));

  expect(() => it.catalog.register(instance("b1"))).toThrow(expect.objectContaining({ reason: "REGISTRY_FULL" }));
  expect(() => it.catalog.register(instance("b1", { service: "reviews" }))).not.toThrow();
});

test("the registry takes so many services and no more, and forgets the oldest that has nobody", () => {
  const it = newCatalog();
  for (let i = 0; i < 2_000; i++) it.catalog.register(instance(`a${i}`, { service: `s${i}` }));
  const register = () => it.catalog.register(instance("b1", { service: "one-more" }));

  expect(register).toThrow(expect.objectContaining({ reason: "REGISTRY_FULL" }));
  it.catalog.remove("a7");
  expect(register).not.toThrow();

  expect(it.catalog.get("s7")).toBeUndefined();
  expect(it.catalog.get("s8")).toBeDefined();
});
