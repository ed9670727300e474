import { Failure } from "../../runtime/errors.ts";

/** A place that a call has. Let go of it with `using`. */
export interface Place extends Disposable {}

interface Limits {
  readonly all: number;
  readonly each: (who: string) => number;
}

const RETRY_AFTER_MS = 2_000;

/** How many may do something at once: all together, and each for itself. */
export class Places {
  readonly #limits: Limits;
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** How many are taken. */
  get taken(): number {
    return this.#all;
  }

  /** @throws Failure OVERLOADED if there is none left. */
  take(who: string): Place {
    const own = this.#taken.get(who) ?? 0;
    if (this.#all >= this.#limits.all || own >= this.#limits.each(who)) {
      throw new Failure("exhausted", "too many documents are under way", { reason: "OVERLOADED", retryAfterMs: RETRY_AFTER_MS });
    }
    this.#all++;
    this.#taken.set(who, own + 1);
    return { [Symbol.dispose]: () => this.#give(who) };
  }

  #give(who: string): void {
    this.#all--;
    const left = (this.#taken.get(who) ?? 1) - 1;
    if (left === 0) this.#taken.delete(who);
    else this.#taken.set(who, left);
  }
}
