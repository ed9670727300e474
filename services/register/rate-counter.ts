/** So many at once, and then one each time an interval has passed. */
export interface RateLimit {
  readonly burst: number;
  readonly intervalMs: number;
}

/** Counts by the generic cell rate algorithm: all that is kept of a key is one time. */
export class RateCounter {
  readonly #limit: RateLimit;
  readonly #mostKeys: number;
  /** When the key is as good as new; the key that was counted last is the last. */
  readonly #freeAtMs = new Map<string, number>();

  constructor(limit: RateLimit, mostKeys: number) {
    this.#limit = limit;
    this.#mostKeys = mostKeys;
  }

  get size(): number {
    return this.#freeAtMs.size;
  }

  /** Whether nothing that counts has been counted. */
  isNew(key: string, nowMs: number): boolean {
    return (this.#freeAtMs.get(key) ?? nowMs) <= nowMs;
  }

  /** How long until `key` may be counted again; 0 or less if it may now. */
  waitMs(key: string, nowMs: number): number {
    const { burst, intervalMs } = this.#limit;
    return (this.#freeAtMs.get(key) ?? nowMs) - nowMs - (burst - 1) * intervalMs;
  }

  add(key: string, nowMs: number): void {
    this.#move(key, Math.max(nowMs, this.#freeAtMs.get(key) ?? nowMs) + this.#limit.intervalMs);
    for (const [oldest, freeAtMs] of this.#freeAtMs) {
      if (freeAtMs > nowMs && this.#freeAtMs.size <= this.#mostKeys) break;
      this.#freeAtMs.delete(oldest);
    }
  }

  takeBack(key: string): void {
    const freeAtMs = this.#freeAtMs.get(key);
    if (freeAtMs !== undefined) this.#move(key, freeAtMs - this.#limit.intervalMs);
  }

  forget(key: string): void {
    this.#freeAtMs.delete(key);
  }

  #move(key: string, freeAtMs: number): void {
    this.#freeAtMs.delete(key);
    this.#freeAtMs.set(key, freeAtMs);
  }
}
