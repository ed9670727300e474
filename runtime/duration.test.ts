import { durationMs, durationOf } from "./duration.ts";

test.each([
  [0, { seconds: 0n, nanos: 0 }],
  [200, { seconds: 0n, nanos: 200_000_000 }],
  [1_500, { seconds: 1n, nanos: 500_000_000 }],
  [0.000_001, { seconds: 0n, nanos: 1 }],
  [86_400_000.25, { seconds: 86_400n, nanos: 250_000 }],
])("%d ms are a duration, and it is as long", (ms, duration) => {
  expect(durationOf(ms)).toEqual(duration);
  expect(durationMs(duration)).toBe(ms);
});

test.each([
  ["what is nearly a second is one, not a thousand million nanoseconds", 999.999_999_9, { seconds: 1n, nanos: 0 }],
  ["what is negative is nothing", -5, { seconds: 0n, nanos: 0 }],
  ["what is no number is nothing", Number.NaN, { seconds: 0n, nanos: 0 }],
  ["what is infinite is the longest duration", Number.POSITIVE_INFINITY, { seconds: 315_576_000_000n, nanos: 0 }],
])("%s", (_, ms, duration) => {
  expect(durationOf(ms)).toEqual(duration);
});

test("a duration that is not set is nothing", () => {
  expect(durationMs(undefined)).toBe(0);
});

test("a duration that cannot be still is a number", () => {
  expect(durationMs({ seconds: 0n, nanos: -1 })).toBe(-0.000_001);
  expect(durationMs({ seconds: 9_223_372_036_854_775_807n, nanos: 2_147_483_647 })).toBeCloseTo(2 ** 63 * 1_000, -10);
});
