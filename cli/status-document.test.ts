import { told } from "./fixtures/mesh.ts";
import { onlyService, statusDocument } from "./status-document.ts";

const document = statusDocument(told, "127.0.0.1:50050");
const byName = (name: string) => document.services.find((service) => service.name === name);

test("has names, times and durations as programs can read them", () => {
  expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  expect(document.registry).toEqual({
    id: "registry",
    description: "",
    address: "127.0.0.1:50050",
    startTime: "2026-11-21T10:00:00.000Z",
  });
  expect(byName("marketplace")).toEqual({
    name: "marketplace",
    panic: true,
    traffic: { split: [], fault: null, balancing: null, ejectedInstanceIds: [] },
    instances: [
      {
        id: "marketplace-1",
        address: "[::1]:50052",
        protocol: "grpc",
        version: "",
        zone: "",
        weight: 5,
        health: "unhealthy",
        lastCheckTime: "2026-11-21T11:59:59.000Z",
        problem: "the store does not answer",
        inEndpoints: true,
        ejected: false,
        registerTime: "2026-11-21T11:50:00.000Z",
        load: null,
      },
    ],
  });
  expect(byName("recommendations")?.traffic).toEqual({
    split: [
      { version: "v1", percent: 90 },
      { version: "v2", percent: 10 },
    ],
    fault: { percent: 20, delayMs: 200, abort: "UNAVAILABLE" },
    balancing: { policy: "ring-hash", hashHeader: "x-user-id" },
    ejectedInstanceIds: ["recommendations-c"],
  });
  expect(document.clients[1]).toEqual({
    nodeId: "python-1",
    cluster: "external",
    userAgent: "",
    connectTime: null,
    subscriptions: [
      {
        type: "RouteConfiguration",
        resources: 1,
        acceptedVersion: "6",
        sentVersion: "7",
        refusal: { version: "7", reason: "no such cluster", time: "2026-11-21T11:59:30.000Z" },
      },
    ],
  });
});

test("says how every instance fares", () => {
  expect(byName("recommendations")?.instances.map(({ id, health, load }) => [id.at(-1), health, load?.callsPerSecond])).toEqual([
    ["a", "healthy", 40],
    ["b", "healthy", 10],
    ["c", "healthy", undefined],
    ["d", "unavailable", 0],
    ["e", "unknown", undefined],
  ]);
});

test("adds up the load of an instance by its calls", () => {
  const [a, , , d] = byName("recommendations")?.instances ?? [];

  expect(a?.load).toEqual({ callsInFlight: 3, callsPerSecond: 40, failedShare: 0.075, meanLatencyMs: 15, p95LatencyMs: 250 });
  expect(d?.load).toEqual({ callsInFlight: 0, callsPerSecond: 0, failedShare: 0, meanLatencyMs: null, p95LatencyMs: null });
});

test("adds up who calls whom over all instances, busiest first", () => {
  const method = "/bookstore.recommendations.v1.RecommendationsService/Recommend";
  const service = "recommendations";

  expect(document.calls).toEqual([
    { caller: "marketplace", service, method, callsPerSecond: 40, failedShare: 0.2, meanLatencyMs: 20, p95LatencyMs: 99.4 },
    { caller: "unknown", service, method, callsPerSecond: 10, failedShare: 0, meanLatencyMs: 30, p95LatencyMs: 250 },
  ]);
});

test("can be of one service alone, with the calls that it makes and gets", () => {
  const [marketplace, orders] = [onlyService(document, "marketplace"), onlyService(document, "orders")];

  expect(marketplace.services.map(({ name }) => name)).toEqual(["marketplace"]);
  expect(marketplace.calls.map(({ caller }) => caller)).toEqual(["marketplace"]);
  expect(orders.calls).toEqual([]);
  expect(orders.clients).toHaveLength(2);
});

test("says what is there when the registry says little", () => {
  expect(statusDocument({ registry: undefined, services: [], clients: [] }, "a:1")).toEqual({
    registry: { id: "", description: "", address: "a:1", startTime: null },
    services: [],
    calls: [],
    clients: [],
  });
});
