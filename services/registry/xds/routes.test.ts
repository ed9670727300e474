import type { Route } from "@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/Route.js";
import type { Fault, RoutedService } from "../routing.ts";
import { httpFault } from "./fault.ts";
import { routesOf } from "./routes.ts";
import { endpoint, routed } from "./testing/routed.ts";

const ECHO = "bookmesh.testing.v1.EchoService";
const FAULT: Fault = { percent: 30, delayMs: 1_500, abortCode: 8 };

test("a method has the deadline and the retries of its contract", () => {
  expect(routeTo(`/${ECHO}/IdempotentUnary`, { grpcServices: [ECHO] })).toEqual({
    cluster: "echo",
    hash_policy: [],
    max_stream_duration: { max_stream_duration: { seconds: 10, nanos: 0 } },
    retry_policy: {
      retry_on: "unavailable",
      num_retries: { value: 2 },
      retry_back_off: {
        base_interval: { seconds: 0, nanos: 10_000_000 },
        max_interval: { seconds: 0, nanos: 50_000_000 },
      },
    },
  });
});

test("a method that may not be tried again has no retries, and the longest deadline of its contract", () => {
  const action = routeTo(`/${ECHO}/Unary`, { grpcServices: [ECHO] });

  expect(action).toMatchObject({ max_stream_duration: { max_stream_duration: { seconds: 60, nanos: 0 } } });
  expect(action).not.toHaveProperty("retry_policy");
});

test("a pause of a second is said in nanoseconds: grpc-js would wait for ten", () => {
  const service = "bookstore.recommendations.v1.RecommendationsService";

  expect(routeTo(`/${service}/Recommend`, { grpcServices: [service] })).toMatchObject({
    retry_policy: { retry_back_off: { max_interval: { seconds: 0, nanos: 999_999_999 } } },
  });
});

test("methods come in order, then one route for all that have no contract here", () => {
  const matches = routesTo({ grpcServices: ["nobody.knows.It", "grpc.health.v1.Health", ECHO, ECHO] }).map(({ match }) => match);

  expect(matches).toEqual([
    { path: `/${ECHO}/BidiStreaming` },
    { path: `/${ECHO}/ClientStreaming` },
    { path: `/${ECHO}/IdempotentUnary` },
    { path: `/${ECHO}/ServerStreaming` },
    { path: `/${ECHO}/Unary` },
    { path: "/grpc.health.v1.Health/Check" },
    { path: "/grpc.health.v1.Health/List" },
    { path: "/grpc.health.v1.Health/Watch" },
    { prefix: "" },
  ]);
});

test("every route has the fault, and the same entries when there is none", () => {
  for (const fault of [FAULT, undefined]) {
    const filters = routesTo({ grpcServices: [ECHO], fault }).map((route) => route.typed_per_filter_config);

    expect(filters).toHaveLength(6);
    for (const filter of filters) expect(filter).toEqual({ "envoy.fault": httpFault(fault) });
  }
});

test("no fault is another one with something added to it, which grpc-js would not notice", () => {
  const faults = [0, 1, 30, 100].flatMap((percent) =>
    [0, 1, 200, 60_000].flatMap((delayMs) => [0, 1, 14].map((abortCode) => httpFault({ percent, delayMs, abortCode }).value)),
  );

  for (const before of faults) {
    const longer = faults.filter((after) => after.length > before.length);
    expect(longer.filter((after) => after.subarray(0, before.length).equals(before))).toEqual([]);
  }
});

test("calls are divided between versions by weights, whose sum is said", () => {
  const split = [
    { version: "v2", percent: 10 },
    { version: "v1", percent: 90 },
    { version: "v3", percent: 0 },
  ];
  const endpoints = [endpoint(1, { version: "v1" }), endpoint(2, { version: "v2" }), endpoint(3, { version: "v3" })];

  expect(routeTo("", { split, endpoints })).toEqual({
    weighted_clusters: {
      clusters: [
        { name: "echo|v1", weight: { value: 90 } },
        { name: "echo|v2", weight: { value: 10 } },
      ],
      total_weight: { value: 100 },
    },
    hash_policy: [],
  });
});

test("ring hash takes its hash from the header", () => {
  expect(routeTo("", { balancing: { policy: "ring-hash", hashHeader: "user-id" } })).toMatchObject({
    hash_policy: [{ header: { header_name: "user-id" } }],
  });
});

function routesTo(change: Partial<RoutedService>): Route[] {
  const [host] = routesOf(routed("echo", change)).virtual_hosts ?? [];
  expect(host).toMatchObject({ domains: ["*"] });
  return host?.routes ?? [];
}

/** Where the route of a path leads, or the last one. */
function routeTo(path: string, change: Partial<RoutedService>): Route["route"] {
  const routes = routesTo(change);
  return (routes.find(({ match }) => match?.path === path) ?? routes.at(-1))?.route;
}
