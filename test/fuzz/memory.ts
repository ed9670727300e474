import type { TargetProcess, Vitals } from "./target-process.ts";

const LOOK_MS = 500;

/** What the target took: before, at most, and after, in bytes. */
export interface MemoryReport {
  readonly before: Vitals;
  /** Of all processes of a machine only this counts: what is resident. */
  readonly peakRss: number;
  /** What is alive: what was not collected. */
  readonly after: Vitals;
}

/** Looks at the memory of the target again and again. */
export class MemoryWatch {
  readonly #target: TargetProcess;
  readonly #before: Vitals;
  readonly #timer: NodeJS.Timeout;
  #peakRss: number;

  private constructor(target: TargetProcess, before: Vitals) {
    this.#target = target;
    this.#before = before;
    this.#peakRss = before.rss;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  static async begin(target: TargetProcess): Promise<MemoryWatch> {
    return new MemoryWatch(target, await vitalsOf(target));
  }

  async end(): Promise<MemoryReport> {
    clearInterval(this.#timer);
    await this.#look();
    return { before: this.#before, peakRss: this.#peakRss, after: await vitalsOf(this.#target) };
  }

  async #look(): Promise<void> {
    const vitals = await this.#target.vitals();
    this.#peakRss = Math.max(this.#peakRss, vitals?.rss ?? 0);
  }
}

async function vitalsOf(target: TargetProcess): Promise<Vitals> {
  return (await target.vitals()) ?? { rss: 0, heapUsed: 0, external: 0 };
}
