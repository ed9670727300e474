import { Failure } from "../../runtime/errors.ts";
import { RateCounter } from "./rate-counter.ts";

/** Enough for every slip of the finger: ten, and one more every six minutes. */
const LIMIT = { burst: 10, intervalMs: 6 * 60_000 };
const MOST_USERS = 100_000;

/**
 * How often a user may want another e-mail address.
 *
 * An address that is taken is refused, which tells that it has an account: whoever
 * tries one after the other must not learn of thousands.
 */
export class AddressChanges {
  readonly #now: () => number;
  readonly #counter = new RateCounter(LIMIT, MOST_USERS);

  /** @param options.now milliseconds */
  constructor(options: { now: () => number }) {
    this.#now = options.now;
  }

  /** @throws Failure "exhausted" if there were too many. */
  begin(userId: string): void {
    const nowMs = this.#now();
    const waitMs = this.#counter.waitMs(userId, nowMs);
    if (waitMs > 0) {
      throw new Failure("exhausted", "the address was changed too often; try again later", {
        reason: "TOO_MANY_ATTEMPTS",
        retryAfterMs: waitMs,
      });
    }
    this.#counter.add(userId, nowMs);
  }
}
