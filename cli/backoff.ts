const FIRST_MS = 500;
const LONGEST_MS = 30_000;
/** A process that ran this long is taken to be well. */
const WELL_AFTER_MS = 60_000;
/** A process that was killed did not fail by itself: there is little to wait for. */
const LONGEST_AFTER_KILL_MS = 250;

/** How long to wait before a process that has ended is started again. */
export class Backoff {
  readonly #random: () => number;
  #nextMs = FIRST_MS;

  /** @param random from 0 to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /**
   * Doubles with each call, up to 30 s, and begins again with 500 ms after a long run.
   * Up to half of it is left out at random, so that processes that fell together do not all come back together.
   *
   * @param ranMs how long the process ran before it ended.
   * @param killed somebody else ended it, with SIGKILL: it may come back at once, every time.
   */
  next(ranMs: number, killed = false): number {
    if (ranMs >= WELL_AFTER_MS) this.#nextMs = FIRST_MS;
    const delayMs = killed ? Math.min(this.#nextMs, LONGEST_AFTER_KILL_MS) : this.#nextMs;
    this.#nextMs = Math.min(delayMs * 2, LONGEST_MS);
    return Math.round(delayMs * (1 - this.#random() / 2));
  }
}
