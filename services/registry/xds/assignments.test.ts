import type { Balancing, Endpoint } from "../routing.ts";
import { assignmentOf } from "./assignments.ts";
import { endpoint } from "./testing/routed.ts";

const ENDPOINTS = [
  endpoint(1, { zone: "a", weight: 7 }),
  endpoint(2, { zone: "a", weight: 1 }),
  endpoint(3, { zone: "b", weight: 7 }),
  endpoint(4, { zone: "a", weight: 7 }),
];

test("round robin has a locality for each zone, which weighs as much as it has endpoints", () => {
  expect(localities("round-robin")).toEqual({ "a/": [3, "10.0.0.1", "10.0.0.2", "10.0.0.4"], "b/": [1, "10.0.0.3"] });
});

test("weighted round robin has a locality for each weight, which weighs as much as its endpoints together", () => {
  expect(localities("weighted-round-robin")).toEqual({
    "a/weight-7": [14, "10.0.0.1", "10.0.0.4"],
    "a/weight-1": [1, "10.0.0.2"],
    "b/weight-7": [7, "10.0.0.3"],
  });
});

test("random makes each endpoint a locality", () => {
  expect(localities("random")).toEqual({
    "a/10.0.0.1:5000": [1, "10.0.0.1"],
    "a/10.0.0.2:5000": [1, "10.0.0.2"],
    "a/10.0.0.4:5000": [1, "10.0.0.4"],
    "b/10.0.0.3:5000": [1, "10.0.0.3"],
  });
});

test("pick first has one locality, where the first endpoint is the same for every client", () => {
  expect(localities("pick-first")).toEqual({ "/": [1, "10.0.0.1", "10.0.0.2", "10.0.0.4", "10.0.0.3"] });
});

test("ring hash has one locality, with the weights of the endpoints", () => {
  const { endpoints } = assignmentOf("echo", ENDPOINTS.slice(0, 2), { policy: "ring-hash", hashHeader: "user-id" });

  expect(endpoints).toEqual([
    {
      locality: { zone: "", sub_zone: "" },
      load_balancing_weight: { value: 1 },
      lb_endpoints: [
        { endpoint: address("10.0.0.1"), load_balancing_weight: { value: 7 } },
        { endpoint: address("10.0.0.2"), load_balancing_weight: { value: 1 } },
      ],
    },
  ]);
});

test.each(["round-robin", "weighted-round-robin", "random", "pick-first", "least-request"] as const)(
  "%s: the order in which endpoints are listed does not show",
  (policy) => {
    const assignment = assignmentOf("echo", ENDPOINTS, { policy });

    expect(assignmentOf("echo", ENDPOINTS.toReversed(), { policy })).toEqual(assignment);
    expect(JSON.stringify(assignment)).not.toMatch(/lb_endpoints[^\]]*load_balancing_weight/);
  },
);

test("an address that two instances have registered comes once", () => {
  const twice = [endpoint(1, { version: "v2" }), endpoint(1, { version: "v1" }), endpoint(1, { zone: "b" })];

  expect(localities("round-robin", twice)).toEqual({ "/": [1, "10.0.0.1"] });
});

test.each(["round-robin", "pick-first"] as const)("%s of no endpoints has no locality", (policy) => {
  expect(assignmentOf("echo", [], { policy })).toEqual({ cluster_name: "echo", endpoints: [] });
});

/** "zone/sub-zone": its weight, then the addresses of its endpoints. */
function localities(policy: Exclude<Balancing["policy"], "ring-hash">, endpoints: Endpoint[] = ENDPOINTS) {
  const assignment = assignmentOf("echo", endpoints, { policy });
  return Object.fromEntries(
    (assignment.endpoints ?? []).map(({ locality, load_balancing_weight, lb_endpoints }) => [
      `${locality?.zone}/${locality?.sub_zone}`,
      [load_balancing_weight?.value, ...(lb_endpoints ?? []).map(({ endpoint }) => endpoint?.address?.socket_address?.address)],
    ]),
  );
}

function address(address: string) {
  return { address: { socket_address: { address, port_value: 5_000 } } };
}
