import type { Balancing } from "../routing.ts";
import { clusterNameOf, clusterOf } from "./clusters.ts";
import { routed } from "./testing/routed.ts";

test("a cluster has its endpoints, its limit of requests and its ejection from the registry", () => {
  expect(clusterOf(clusterNameOf("echo", "v1"), routed("echo"))).toEqual({
    name: "echo|v1",
    type: "EDS",
    eds_cluster_config: { service_name: "echo|v1", eds_config: { ads: {}, resource_api_version: "V3" } },
    lb_policy: "ROUND_ROBIN",
    circuit_breakers: { thresholds: [{ priority: "DEFAULT", max_requests: { value: 1_024 } }] },
    outlier_detection: {
      interval: { seconds: 5, nanos: 0 },
      base_ejection_time: { seconds: 10, nanos: 0 },
      max_ejection_percent: { value: 30 },
      failure_percentage_threshold: { value: 85 },
      failure_percentage_request_volume: { value: 20 },
      failure_percentage_minimum_hosts: { value: 2 },
      enforcing_failure_percentage: { value: 100 },
      enforcing_success_rate: { value: 0 },
    },
  });
});

test.each<[Balancing, string[]]>([
  [{ policy: "ring-hash", hashHeader: "user-id" }, ["RingHash"]],
  [{ policy: "pick-first" }, ["PickFirst", "TypedStruct"]],
  [{ policy: "least-request" }, ["LeastRequest", "TypedStruct", "RoundRobin"]],
])("clients take the first policy that they know of %j, and round robin if they know of no list", (balancing, expected) => {
  const { lb_policy, load_balancing_policy } = clusterOf("echo", routed("echo", { balancing }));
  const types = JSON.stringify(load_balancing_policy).matchAll(/"type_url":"[^"]*\.(\w+)"/g);

  expect(lb_policy).toBe("ROUND_ROBIN");
  expect([...types].map(([, name]) => name)).toEqual(expected);
});
