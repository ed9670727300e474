import type { Duration } from "../../gen/google/protobuf/duration.ts";
import type { CallRate, InstanceLoad } from "../../gen/mesh/registry/v1/instance.ts";
import type { CallCount, LoadReport } from "../../gen/mesh/registry/v1/registry_service.ts";
import { durationMs, durationOf } from "../../runtime/duration.ts";
import { LATENCY_BUCKETS_MS } from "../../runtime/latency.ts";

/** How far back the load of an instance goes. */
const WINDOW_MS = 10_000;
/** Reports are added up in slots of so much, so that who reports all the time takes no more room than others. */
const SLOT_MS = 1_000;
const MOST_RATES = 100;
/** What a report says that is less busy is left out. */
const MOST_COUNTS_A_REPORT = 500;
/** What all instances together may take: about 40 MB. Beyond it, what is new is not counted. */
const MOST_COUNTS = 100_000;

/** An interval beyond these is not believed. */
const SHORTEST_INTERVAL_MS = 50;
const LONGEST_INTERVAL_MS = 60_000;
const USUAL_INTERVAL_MS = 2_000;
/** A mean beyond a day is not believed either. */
const LONGEST_LATENCY_MS = 86_400_000;

/** Ended, failed, milliseconds, and the buckets, in one array: there can be very many of them. */
type Count = Float64Array;
const ENDED = 0;
const FAILED = 1;
const TOTAL_MS = 2;
const FIRST_BUCKET = 3;
const COUNT_LENGTH = FIRST_BUCKET + LATENCY_BUCKETS_MS.length + 1;

interface Slot {
  /** When it began, in slots since the beginning of the clock. */
  readonly number: number;
  intervalMs: number;
  /** By caller and method. */
  readonly counts: Map<string, Count>;
}

interface Reported {
  slots: Slot[];
  callsInFlight: number;
  reportedAtMs: number;
  /** What loadOf() said last; undefined once there is more. */
  load: { readonly value: InstanceLoad; readonly firstSlot: number } | undefined;
}

/** What instances say that they served, over the last ten seconds or so. */
export class Loads {
  readonly #now: () => number;
  readonly #reported = new Map<string, Reported>();
  #counts = 0;

  /** @param now milliseconds; never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Takes in what an instance served since its last report. Numbers that cannot be are made ones that can. */
  report(id: string, report: LoadReport): void {
    const nowMs = this.#now();
    const reported = this.#reported.get(id) ?? { slots: [], callsInFlight: 0, reportedAtMs: Number.NaN, load: undefined };
    this.#reported.set(id, reported);
    this.#expire(reported, nowMs);
    const slot = this.#slotAt(reported, nowMs);
    slot.intervalMs += intervalOf(report.interval, nowMs - reported.reportedAtMs);
    for (const call of busiest(report.calls)) this.#count(slot, call);
    reported.callsInFlight = report.callsInFlight;
    reported.reportedAtMs = nowMs;
    reported.load = undefined;
  }

  /** What an instance served lately; undefined for one that has not said. */
  loadOf(id: string): InstanceLoad | undefined {
    const reported = this.#reported.get(id);
    if (reported === undefined) return undefined;
    this.#expire(reported, this.#now());
    const firstSlot = reported.slots[0]?.number;
    if (firstSlot === undefined) return undefined;
    if (reported.load?.firstSlot !== firstSlot) reported.load = { firstSlot, value: loadOf(reported) };
    return reported.load.value;
  }

  /** An instance is gone. */
  forget(id: string): void {
    for (const { counts } of this.#reported.get(id)?.slots ?? []) this.#counts -= counts.size;
    this.#reported.delete(id);
  }

  #expire(reported: Reported, nowMs: number): void {
    const isOver = ({ number }: Slot) => (number + 1) * SLOT_MS <= nowMs - WINDOW_MS;
    if (!reported.slots.some(isOver)) return;
    for (const slot of reported.slots) if (isOver(slot)) this.#counts -= slot.counts.size;
    reported.slots = reported.slots.filter((slot) => !isOver(slot));
  }

  #slotAt(reported: Reported, nowMs: number): Slot {
    const number = Math.floor(nowMs / SLOT_MS);
    const last = reported.slots.at(-1);
    if (last?.number === number) return last;
    const slot: Slot = { number, intervalMs: 0, counts: new Map() };
    reported.slots.push(slot);
    return slot;
  }

  #count(slot: Slot, call: CallCount): void {
    // A NUL is in no name: the contract forbids it.
    const key = `${call.caller}\0${call.method}`;
    let count = slot.counts.get(key);
    if (count === undefined) {
      if (this.#counts >= MOST_COUNTS || slot.counts.size >= MOST_COUNTS_A_REPORT) return;
      count = new Float64Array(COUNT_LENGTH);
      slot.counts.set(key, count);
      this.#counts++;
    }
    const ended = Number(call.ended);
    add(count, ENDED, ended);
    add(count, FAILED, Math.min(Number(call.failed), ended));
    add(count, TOTAL_MS, Math.min(Math.max(0, durationMs(call.totalLatency)), ended * LONGEST_LATENCY_MS));
    for (let i = FIRST_BUCKET; i < COUNT_LENGTH; i++) add(count, i, Number(call.latencyCounts[i - FIRST_BUCKET] ?? 0n));
  }
}

function busiest(calls: readonly CallCount[]): readonly CallCount[] {
  if (calls.length <= MOST_COUNTS_A_REPORT) return calls;
  return calls.toSorted((a, b) => (a.ended > b.ended ? -1 : a.ended < b.ended ? 1 : 0)).slice(0, MOST_COUNTS_A_REPORT);
}

/** @param sinceLastMs how long ago the last report came; NaN if there was none. */
function intervalOf(said: Duration | undefined, sinceLastMs: number): number {
  const saidMs = durationMs(said);
  if (saidMs >= SHORTEST_INTERVAL_MS && saidMs <= LONGEST_INTERVAL_MS) return saidMs;
  return Math.min(Math.max(sinceLastMs || USUAL_INTERVAL_MS, SHORTEST_INTERVAL_MS), LONGEST_INTERVAL_MS);
}

function loadOf({ slots, callsInFlight }: Reported): InstanceLoad {
  const seconds = slots.reduce((sum, { intervalMs }) => sum + intervalMs, 0) / 1_000;
  const sums = new Map<string, Count>();
  for (const { counts } of slots) {
    for (const [key, count] of counts) {
      const sum = sums.get(key) ?? new Float64Array(COUNT_LENGTH);
      sums.set(key, sum);
      for (let i = 0; i < COUNT_LENGTH; i++) add(sum, i, count[i] ?? 0);
    }
  }
  const ended = ([, count]: readonly [string, Count]) => count[ENDED] ?? 0;
  const top = [...sums].sort((a, b) => ended(b) - ended(a) || (a[0] < b[0] ? -1 : 1)).slice(0, MOST_RATES);
  return { callsInFlight, rates: top.map(([key, count]) => rateOf(key, count, seconds)) };
}

function rateOf(key: string, count: Count, seconds: number): CallRate {
  const [caller = "", method = ""] = key.split("\0");
  const [ended = 0, failed = 0, totalMs = 0] = count;
  const p95Ms = quantile(count.subarray(FIRST_BUCKET), 0.95);
  return {
    ...{ caller, method },
    callsPerSecond: ended / seconds,
    failedShare: ended === 0 ? 0 : failed / ended,
    meanLatency: ended === 0 ? undefined : latencyOf(totalMs / ended),
    p95Latency: p95Ms === undefined ? undefined : latencyOf(p95Ms),
  };
}

/**
 * The latency below which a share of the calls stayed, supposing that the calls of a bucket are spread evenly over it.
 *
 * @param counts how many calls are in each bucket of LATENCY_BUCKETS_MS, and beyond.
 * @returns in milliseconds; the last bound for what is beyond it; undefined if there was no call.
 */
export function quantile(counts: ArrayLike<number>, share: number): number | undefined {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i] ?? 0;
  if (sum === 0) return undefined;
  const wanted = sum * share;
  let below = 0;
  for (const [i, bound] of LATENCY_BUCKETS_MS.entries()) {
    const inBucket = counts[i] ?? 0;
    if (inBucket > 0 && below + inBucket >= wanted) {
      const lower = LATENCY_BUCKETS_MS[i - 1] ?? 0;
      return lower + ((wanted - below) / inBucket) * (bound - lower);
    }
    below += inBucket;
  }
  return LATENCY_BUCKETS_MS.at(-1);
}

function add(count: Count, index: number, more: number): void {
  count[index] = (count[index] ?? 0) + more;
}

/** To the microsecond: latencies are not known better. */
function latencyOf(ms: number): Duration {
  return durationOf(Math.round(ms * 1_000) / 1_000);
}
