import { Failure } from "../../runtime/errors.ts";
import type { Standing } from "./hash-queue.ts";
import { RateCounter, type RateLimit } from "./rate-counter.ts";

const SECOND = 1_000;
const MINUTE = 60_000;
/** Attempts at one account from one address: ten, and ten more in fifteen minutes. */
const AT_ACCOUNT_FROM_ADDRESS: RateLimit = { burst: 10, intervalMs: 90 * SECOND };
/** From one address, at whatever accounts. */
const FROM_ADDRESS: RateLimit = { burst: 30, intervalMs: 30 * SECOND };
/** At one account, from all addresses that its user has not signed in from. */
const AT_ACCOUNT: RateLimit = { burst: 50, intervalMs: MINUTE };
/** From one address, right or wrong: who has an account must not keep the others from signing in to theirs. */
const ALL_FROM_ADDRESS: RateLimit = { burst: 300, intervalMs: 3 * SECOND };
/**
 * The most keys of each limit that are remembered, about 10 MB each. Whoever
 * wants one forgotten has to try that many others, each of which costs a hash.
 */
const MOST_KEYS = 100_000;

/** What somebody tries a password at, and from where. */
export interface Attempted {
  /** What names the account; it need not exist. */
  account: string;
  /** As clientKey() gives it. */
  address: string;
  /** Whether the user of the account has signed in from the address before. */
  known: boolean;
}

/** An attempt that has been counted as a failed one. */
export interface Attempt {
  readonly standing: Standing;
  /** The password was right. Those before it at the same account from the same address do not count any more either. */
  succeeded(): void;
  /** No password was looked at: it does not count. */
  abandoned(): void;
}

/**
 * How often a password may be wrong.
 *
 * An address that the user has signed in from has a limit of its own with that
 * account, so whoever guesses elsewhere, from however many addresses, cannot keep
 * the user out at home. All other addresses share one limit for each account: a
 * few of them use up their own before they have used up that. And each of them
 * has one for all accounts together.
 *
 * It is kept in memory, by each replica for itself: guesses must not become
 * writes to the store, and n replicas only mean n times as many.
 */
export class AttemptLimits {
  readonly #now: () => number;
  readonly #atAccountFromAddress: RateCounter;
  readonly #fromAddress: RateCounter;
  readonly #atAccount: RateCounter;
  readonly #allFromAddress: RateCounter;

  constructor(options: { now: () => number; mostKeys?: number }) {
    const { now, mostKeys = MOST_KEYS } = options;
    this.#now = now;
    this.#atAccountFromAddress = new RateCounter(AT_ACCOUNT_FROM_ADDRESS, mostKeys);
    this.#fromAddress = new RateCounter(FROM_ADDRESS, mostKeys);
    this.#atAccount = new RateCounter(AT_ACCOUNT, mostKeys);
    this.#allFromAddress = new RateCounter(ALL_FROM_ADDRESS, mostKeys);
  }

  /** How many keys are remembered. */
  get size(): number {
    return [this.#atAccountFromAddress, this.#fromAddress, this.#atAccount, this.#allFromAddress].reduce(
      (sum, { size }) => sum + size,
      0,
    );
  }

  /**
   * Counts an attempt as failed, before anybody knows: many at once are no way around the limit.
   *
   * @throws Failure "exhausted" if there were too many.
   */
  begin({ account, address, known }: Attempted): Attempt {
    const nowMs = this.#now();
    const both = `${address} ${account}`;
    const failed: [RateCounter, string][] = [[this.#atAccountFromAddress, both]];
    if (!known) failed.push([this.#fromAddress, address], [this.#atAccount, account]);
    const counted: [RateCounter, string][] = [...failed, [this.#allFromAddress, address]];
    const waitMs = Math.max(...counted.map(([counter, key]) => counter.waitMs(key, nowMs)));
    if (waitMs > 0) {
      throw new Failure("exhausted", "too many attempts to sign in; try again later", {
        reason: "TOO_MANY_ATTEMPTS",
        retryAfterMs: waitMs,
      });
    }
    const standing = known ? "known" : this.#fromAddress.isNew(address, nowMs) ? "new" : "failed";
    for (const [counter, key] of counted) counter.add(key, nowMs);
    return {
      standing,
      succeeded: () => {
        for (const [counter, key] of failed) counter.takeBack(key);
        this.#atAccountFromAddress.forget(both);
      },
      abandoned() {
        for (const [counter, key] of counted) counter.takeBack(key);
      },
    };
  }
}
