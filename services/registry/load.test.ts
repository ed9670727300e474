import { type CallCount, type DeepPartial, LoadReport } from "../../gen/mesh/registry/v1/registry_service.ts";
import { Loads, quantile } from "./load.ts";

const SECOND = { seconds: 1n, nanos: 0 };
const MOST = 18_446_744_073_709_551_615n;

function newLoads() {
  let nowMs = 5_000;
  const loads = new Loads(() => nowMs);
  return {
    loads,
    pass: (ms: number) => {
      nowMs += ms;
    },
    report: (report: DeepPartial<LoadReport>, id = "a") =>
      loads.report(id, LoadReport.fromPartial({ interval: { seconds: 2n }, ...report })),
    /** Of the first rate. */
    rate: (id = "a") => loads.loadOf(id)?.rates[0],
  };
}

const CALL: DeepPartial<CallCount> = { caller: "shop", method: "/shop.Orders/Get" };

test("what is reported is rates", () => {
  const it = newLoads();
  it.report({
    callsInFlight: 7,
    calls: [{ ...CALL, ended: 20n, failed: 5n, totalLatency: SECOND, latencyCounts: [0, 0, 0, 0, 0, 20] }],
  });

  expect(it.loads.loadOf("a")).toEqual({
    callsInFlight: 7,
    rates: [
      {
        ...{ caller: "shop", method: "/shop.Orders/Get", callsPerSecond: 10, failedShare: 0.25 },
        meanLatency: { seconds: 0n, nanos: 50_000_000 },
        // 95% of the way from 25 to 50 milliseconds.
        p95Latency: { seconds: 0n, nanos: 48_750_000 },
      },
    ],
  });
});

test("an instance that has not reported has no load", () => {
  expect(newLoads().loads.loadOf("a")).toBeUndefined();
});

test("a rate is that of the last ten seconds", () => {
  const it = newLoads();
  for (let i = 0; i < 20; i++) {
    it.report({ calls: [{ ...CALL, ended: i < 10 ? 100n : 2n }] });
    it.pass(2_000);
  }

  expect(it.rate()?.callsPerSecond).toBe(1);
});

test("the load of one that reports no more is over after ten seconds", () => {
  const it = newLoads();
  it.report({ calls: [{ ...CALL, ended: 1n }] });

  it.pass(10_000);
  expect(it.loads.loadOf("a")).toBeDefined();
  it.pass(1_000);
  expect(it.loads.loadOf("a")).toBeUndefined();
});

test("callers and methods are told apart, the busiest first, and at most a hundred of them", () => {
  const it = newLoads();
  const calls = Array.from({ length: 150 }, (_, i) => ({ caller: `c${i}`, method: "/a.B/C", ended: BigInt(i) }));
  it.report({ calls: [...calls, { caller: "c149", method: "/a.B/D", ended: 1_000n }] });
  it.report({ calls: [{ caller: "c7", method: "/a.B/C", ended: 500n }] });

  const rates = it.loads.loadOf("a")?.rates ?? [];

  expect(rates).toHaveLength(100);
  expect(rates.slice(0, 3).map(({ caller, method }) => `${caller} ${method}`)).toEqual([
    "c149 /a.B/D",
    "c7 /a.B/C",
    "c149 /a.B/C",
  ]);
});

test("instances are told apart, and one that is gone is forgotten", () => {
  const it = newLoads();
  it.report({ calls: [{ ...CALL, ended: 2n }] }, "a");
  it.report({ calls: [{ ...CALL, ended: 4n }] }, "b");

  it.loads.forget("a");

  expect(it.loads.loadOf("a")).toBeUndefined();
  expect(it.rate("b")?.callsPerSecond).toBe(2);
});

test("what is looked at between reports is looked at again after the next one", () => {
  const it = newLoads();
  it.report({ calls: [{ ...CALL, ended: 2n }] });
  expect(it.rate()?.callsPerSecond).toBe(1);

  it.report({ calls: [{ ...CALL, ended: 6n }] });

  expect(it.rate()?.callsPerSecond).toBe(2);
});

test.each<[string, DeepPartial<LoadReport>]>([
  ["no interval", { interval: undefined }],
  ["an interval of nothing", { interval: { seconds: 0n, nanos: 0 } }],
  ["a negative interval", { interval: { seconds: -5n, nanos: -1 } }],
  ["an interval of ages", { interval: { seconds: 9_223_372_036_854_775_807n } }],
])("%s is taken for the time since the last report", (_what, report) => {
  const it = newLoads();
  it.report({});
  it.pass(4_000);
  it.report({ ...report, calls: [{ ...CALL, ended: 12n }] });

  expect(it.rate()?.callsPerSecond).toBe(2);
});

test.each<[string, DeepPartial<CallCount>]>([
  ["more calls than there are", { ended: MOST, failed: MOST, latencyCounts: Array(14).fill(MOST) }],
  ["more failures than calls", { ended: 1n, failed: MOST }],
  ["failures and no calls", { ended: 0n, failed: 5n, totalLatency: SECOND, latencyCounts: [1n] }],
  ["a negative latency", { ended: 3n, totalLatency: { seconds: -9_223_372_036_854_775_808n, nanos: -2_147_483_648 } }],
  ["a latency of ages", { ended: 1n, totalLatency: { seconds: 9_223_372_036_854_775_807n, nanos: 2_147_483_647 } }],
  ["too many buckets", { ended: 1n, latencyCounts: Array(100).fill(1n) }],
  ["no buckets", { ended: 1n, latencyCounts: [] }],
])("%s makes numbers that can be sent", (_what, call) => {
  const it = newLoads();
  for (let i = 0; i < 3; i++) it.report({ interval: { nanos: 50_000_000 }, calls: [{ ...CALL, ...call }] });

  const rate = it.rate();

  expect(rate?.callsPerSecond).toBeGreaterThanOrEqual(0);
  expect(Number.isFinite(rate?.callsPerSecond)).toBe(true);
  expect(rate?.failedShare).toBeGreaterThanOrEqual(0);
  expect(rate?.failedShare).toBeLessThanOrEqual(1);
  for (const latency of [rate?.meanLatency, rate?.p95Latency]) {
    if (latency === undefined) continue;
    expect(latency.seconds).toBeGreaterThanOrEqual(0n);
    expect(latency.seconds).toBeLessThanOrEqual(86_400n);
    expect(latency.nanos).toBeGreaterThanOrEqual(0);
    expect(latency.nanos).toBeLessThan(1_000_000_000);
  }
});

test("who reports all the time, and names that there are not, takes no more room than others", () => {
  const it = newLoads();
  let named = 0;
  for (let i = 0; i < 100; i++) {
    it.report({ calls: Array.from({ length: 2_000 }, () => ({ caller: `c${named++}`, method: "/a.B/C", ended: 1n })) });
    it.pass(10);
  }
  const calls = [{ caller: "busy", method: "/a.B/C", ended: 1_000_000n }];

  it.pass(1_000);
  it.report({ calls: [...Array.from({ length: 1_999 }, (_, i) => ({ caller: `d${i}`, method: "", ended: 1n })), ...calls] });

  expect(it.rate()?.caller).toBe("busy");
});

test("all instances together have so much room, and it is free again when what was counted is over", () => {
  const it = newLoads();
  const calls = Array.from({ length: 500 }, (_, i) => ({ caller: `c${i}`, method: "/a.B/C", ended: 1n }));
  for (let i = 0; i < 200; i++) it.report({ calls }, `a${i}`);

  it.report({ calls }, "late");
  expect(it.loads.loadOf("late")?.rates).toEqual([]);
  it.loads.forget("a0");
  it.report({ calls }, "late");
  expect(it.loads.loadOf("late")?.rates).toHaveLength(100);

  it.pass(11_000);
  for (let i = 0; i < 200; i++) it.report({ calls: [] }, `a${i}`);
  it.report({ calls }, "later");
  expect(it.loads.loadOf("later")?.rates).toHaveLength(100);
});

test.each<[string, number[], number | undefined]>([
  ["no calls", [], undefined],
  ["all in the first bucket", [100], 0.95],
  ["a tenth slow", [90, 0, 0, 0, 0, 0, 10], 75],
  ["all beyond the last bound", [...Array(13).fill(0), 10], 10_000],
  ["just as many as wanted in a bucket", [95, 5], 1],
])("the 95th percentile of %s", (_what, counts, expected) => {
  const latency = quantile([...counts, ...Array(14 - counts.length).fill(0)], 0.95);

  if (expected === undefined) expect(latency).toBeUndefined();
  else expect(latency).toBeCloseTo(expected);
});
