import type { Duration } from "../gen/google/protobuf/duration.ts";

/** The longest that google.protobuf.Duration may say: about 10,000 years. */
const LONGEST_MS = 315_576_000_000_000;
const SECOND_NANOS = 1_000_000_000;

/** To the nanosecond. What is negative, or no number, is 0; what is too long is the longest that a duration may be. */
export function durationOf(ms: number): Duration {
  const bounded = ms > 0 ? Math.min(ms, LONGEST_MS) : 0;
  const restMs = bounded % 1_000;
  const nanos = Math.round(restMs * 1_000_000);
  const seconds = (bounded - restMs) / 1_000 + Math.floor(nanos / SECOND_NANOS);
  return { seconds: BigInt(seconds), nanos: nanos % SECOND_NANOS };
}

/** An unset duration is 0. One that others have said may be negative, or longer than it ought to be, but is never infinite. */
export function durationMs(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1_000 + duration.nanos / 1_000_000;
}
