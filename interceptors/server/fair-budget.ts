import { Failure } from "../../runtime/errors.ts";

/** About what a burst takes to pass. */
const RETRY_AFTER_MS = 250;

/** For whoever wants more than there is. */
export function overloaded(message: string): Failure {
  return new Failure("exhausted", message, { reason: "OVERLOADED", retryAfterMs: RETRY_AFTER_MS });
}

/**
 * So much of something for all callers together.
 *
 * Nobody may have more than what is left for others: one caller gets half of it
 * at most, two a third each, and one that has nothing always gets something.
 */
export class FairBudget {
  readonly #total: number;
  readonly #taken = new Map<string, number>();
  #left: number;

  constructor(total: number) {
    this.#total = total;
    this.#left = total;
  }

  /** What is left. */
  get left(): number {
    return this.#left;
  }

  /** How many have something. */
  get callers(): number {
    return this.#taken.size;
  }

  /** Whether there is that much for the caller. */
  has(who: string, amount: number): boolean {
    // Nearly always nobody has anything.
    if (this.#left === this.#total) return amount <= this.#total / 2;
    return (this.#taken.get(who) ?? 0) + amount <= this.#left - amount;
  }

  /** @returns whether there was enough; otherwise nothing is taken. */
  take(who: string, amount: number): boolean {
    if (!this.has(who, amount)) return false;
    this.#taken.set(who, (this.#taken.get(who) ?? 0) + amount);
    this.#left -= amount;
    return true;
  }

  give(who: string, amount: number): void {
    if (amount === 0) return;
    const has = (this.#taken.get(who) ?? 0) - amount;
    this.#left = Math.min(this.#total, this.#left + amount);
    // Whoever has nothing is forgotten: callers come and go.
    if (has > 0) this.#taken.set(who, has);
    else this.#taken.delete(who);
  }
}
