import { CallRate } from "../gen/mesh/registry/v1/instance.ts";
import { ServiceState } from "../gen/mesh/registry/v1/registry_service.ts";
import { callsBetween, together } from "./call-rates.ts";
import { durationOf } from "./duration.ts";

function rate(callsPerSecond: number, failedShare = 0, meanMs = 0, p95Ms = 0, caller = "orders", method = "/a.B/C"): CallRate {
  return CallRate.fromPartial({
    ...{ caller, method, callsPerSecond, failedShare },
    ...{ meanLatency: durationOf(meanMs), p95Latency: durationOf(p95Ms) },
  });
}

test("the busy count more than the idle, and the slowest is the slowest", () => {
  expect(together([rate(30, 0.2, 10, 20), rate(10, 0, 50, 400), rate(0, 1, 9_000, 9_000)])).toEqual({
    callsPerSecond: 40,
    failedShare: 0.15,
    meanLatencyMs: 20,
    p95LatencyMs: 400,
  });
});

test("without a call there is no latency", () => {
  const nothing = { callsPerSecond: 0, failedShare: 0, meanLatencyMs: null, p95LatencyMs: null };
  expect(together([])).toEqual(nothing);
  expect(together([rate(0, 0, 5, 5), rate(Number.NaN)])).toEqual(nothing);
});

test("the calls of all instances of a service are one, the busiest first", () => {
  const service = (name: string, ...rates: CallRate[][]) =>
    ServiceState.fromPartial({ name, instances: rates.map((some) => ({ load: { rates: some } })) });
  const calls = callsBetween([
    service("users", [rate(2)], [rate(3), rate(4, 0, 0, 0, "push")]),
    service("marketplace", [rate(9)]),
    ServiceState.fromPartial({ name: "register", instances: [{}] }),
  ]);

  expect(calls.map(({ caller, service, callsPerSecond }) => [caller, service, callsPerSecond])).toEqual([
    ["orders", "marketplace", 9],
    ["orders", "users", 5],
    ["push", "users", 4],
  ]);
});
