import { setTimeout as pause } from "node:timers/promises";
import type { TargetProcess, Vitals } from "./target-process.ts";

const LOOK_MS = 500;
/** What callers may add. */
export const MOST_ADDED_BYTES = 64 * 2 ** 20;

/** What the target took: before, at most, and after, in bytes. */
export interface MemoryReport {
  readonly before: Vitals;
  /** Of all processes of a machine only this counts: what is resident. */
  readonly peakRss: number;
  /** What was resident at two looks in a row, at most: what comes and goes in half a second is not held. */
  readonly heldRss: number;
  /** What is alive: what was not collected. */
  readonly after: Vitals;
}

/** Looks at the memory of the target again and again. */
export class MemoryWatch {
  readonly #target: TargetProcess;
  readonly #before: Vitals;
  readonly #looking: Promise<void>;
  readonly #ended = new AbortController();
  #peakRss: number;
  #heldRss: number;
  #lastRss: number;

  private constructor(target: TargetProcess, before: Vitals) {
    this.#target = target;
    this.#before = before;
    this.#peakRss = before.rss;
    this.#heldRss = before.rss;
    this.#lastRss = before.rss;
    this.#looking = this.#look();
  }

  static async begin(target: TargetProcess): Promise<MemoryWatch> {
    return new MemoryWatch(target, await vitalsOf(target));
  }

  async end(): Promise<MemoryReport> {
    this.#ended.abort();
    await this.#looking;
    return { before: this.#before, peakRss: this.#peakRss, heldRss: this.#heldRss, after: await vitalsOf(this.#target) };
  }

  /** One look after the other: a target that is busy answers all of them at once. */
  async #look(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const { rss } = await vitalsOf(this.#target);
      this.#peakRss = Math.max(this.#peakRss, rss);
      this.#heldRss = Math.max(this.#heldRss, Math.min(rss, this.#lastRss));
      this.#lastRss = rss;
      await pause(LOOK_MS, undefined, { signal: this.#ended.signal }).catch(() => {});
    }
  }
}

async function vitalsOf(target: TargetProcess): Promise<Vitals> {
  return (await target.vitals()) ?? { rss: 0, heapUsed: 0, external: 0 };
}
