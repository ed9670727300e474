import type { Endpoint, RoutedService } from "../routing.ts";
import { Snapshot } from "./snapshot.ts";
import { endpoint, routed } from "./testing/routed.ts";

const V1 = endpoint(1, { version: "v1" });
const V2 = endpoint(2, { version: "v2" });
const SPLIT = [
  { version: "v1", percent: 90 },
  { version: "v2", percent: 10 },
];

test("a new service has a listener, routes, a cluster and endpoints", () => {
  expect(changes(new Snapshot(), routed("echo"))).toEqual([
    "Listener echo",
    "RouteConfiguration echo",
    "Cluster echo",
    "ClusterLoadAssignment echo",
  ]);
});

test("the same again is no change, in whatever order it is listed", () => {
  const snapshot = new Snapshot();
  const grpcServices = ["bookmesh.testing.v1.EchoService", "grpc.health.v1.Health"];
  snapshot.update(routed("echo", { grpcServices, endpoints: [V1, V2], split: SPLIT }));
  const again = { grpcServices: grpcServices.toReversed(), endpoints: [V2, V1], split: SPLIT.toReversed() };

  expect(changes(snapshot, routed("echo", again))).toEqual([]);
});

test.each<[string, Partial<RoutedService>, string[]]>([
  ["an endpoint", { endpoints: [V1] }, ["ClusterLoadAssignment echo"]],
  ["a fault", { fault: { percent: 1, delayMs: 0, abortCode: 14 } }, ["RouteConfiguration echo"]],
  ["how clients pick", { balancing: { policy: "pick-first" } }, ["Cluster echo", "ClusterLoadAssignment echo"]],
  [
    "the split",
    { split: SPLIT },
    [
      "RouteConfiguration echo",
      "Cluster echo|v1",
      "Cluster echo|v2",
      "ClusterLoadAssignment echo|v1",
      "ClusterLoadAssignment echo|v2",
    ],
  ],
])("a change of %s changes no other resource, and the listener never", (_name, change, expected) => {
  const snapshot = new Snapshot();
  snapshot.update(routed("echo", { endpoints: [V1, V2], balancing: { policy: "weighted-round-robin" } }));

  const changed = { endpoints: [V1, V2], balancing: { policy: "weighted-round-robin" }, ...change } as const;
  expect(changes(snapshot, routed("echo", changed))).toEqual(expected);
});

test("the clusters of a split stay when it is over, and follow their endpoints", () => {
  const snapshot = new Snapshot();
  snapshot.update(routed("echo", { endpoints: [V1, V2], split: SPLIT }));

  expect(changes(snapshot, routed("echo", { endpoints: [V1, V2] }))).toEqual(["RouteConfiguration echo"]);
  expect(changes(snapshot, routed("echo", { endpoints: [V1] }))).toEqual([
    "ClusterLoadAssignment echo",
    "ClusterLoadAssignment echo|v2",
  ]);
});

test("there are no endpoints only where some have been seen", () => {
  const snapshot = new Snapshot();
  const withEndpoints = (endpoints: Endpoint[]) => changes(snapshot, routed("echo", { endpoints, split: SPLIT }));

  expect(withEndpoints([]).filter((change) => change.includes("Assignment"))).toEqual([]);
  expect(withEndpoints([V1])).toContain("ClusterLoadAssignment echo|v1");
  expect(withEndpoints([])).toEqual(["ClusterLoadAssignment echo", "ClusterLoadAssignment echo|v1"]);
});

test("no two resources have the same version, and later ones have larger", () => {
  const snapshot = new Snapshot();
  const versions = [routed("a"), routed("b"), routed("a", { endpoints: [V2] })].flatMap((service) =>
    snapshot.update(service).map(({ version }) => version),
  );

  expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  expect(new Set(versions).size).toBe(9);
});

/** What the update changes, as "Type name". */
function changes(snapshot: Snapshot, service: RoutedService): string[] {
  return snapshot.update(service).map(({ type, name }) => `${type.slice(type.lastIndexOf(".") + 1)} ${name}`);
}
