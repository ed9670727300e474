import { Failure } from "../../runtime/errors.ts";
import type { Standing } from "./hash-queue.ts";

/** So many at once, and then one each time an interval has passed. */
interface Limit {
  readonly burst: number;
  readonly intervalMs: number;
}

const SECOND = 1_000;
const MINUTE = 60_000;
/** Attempts at one account from one address: ten, and ten more in fifteen minutes. */
const AT_ACCOUNT_FROM_ADDRESS: Limit = { burst: 10, intervalMs: 90 * SECOND };
/** From one address, at whatever accounts. */
const FROM_ADDRESS: Limit = { burst: 30, intervalMs: 30 * SECOND };
/** At one account, from all addresses that its user has not signed in from. */
const AT_ACCOUNT: Limit = { burst: 50, intervalMs: MINUTE };
/** From one address, right or wrong: who has an account must not keep the others from signing in to theirs. */
const ALL_FROM_ADDRESS: Limit = { burst: 300, intervalMs: 3 * SECOND };
/**
 * The most keys of each limit that are remembered, about 10 MB each. Whoever
 * wants one forgotten has to try that many others, each of which costs a hash.
 */
const MOST_KEYS = 100_000;

/** Counts by the generic cell rate algorithm: all that is kept of a key is one time. */
class Counter {
  readonly #limit: Limit;
  readonly #mostKeys: number;
  /** When the key is as good as new; the key that was counted last is the last. */
  readonly #freeAtMs = new Map<string, number>();

  constructor(limit: Limit, mostKeys: number) {
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
  readonly #atAccountFromAddress: Counter;
  readonly #fromAddress: Counter;
  readonly #atAccount: Counter;
  readonly #allFromAddress: Counter;

  constructor(options: { now: () => number; mostKeys?: number }) {
    const { now, mostKeys = MOST_KEYS } = options;
    this.#now = now;
    this.#atAccountFromAddress = new Counter(AT_ACCOUNT_FROM_ADDRESS, mostKeys);
    this.#fromAddress = new Counter(FROM_ADDRESS, mostKeys);
    this.#atAccount = new Counter(AT_ACCOUNT, mostKeys);
    this.#allFromAddress = new Counter(ALL_FROM_ADDRESS, mostKeys);
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
    const failed: [Counter, string][] = [[this.#atAccountFromAddress, both]];
    if (!known) failed.push([this.#fromAddress, address], [this.#atAccount, account]);
    const counted: [Counter, string][] = [...failed, [this.#allFromAddress, address]];
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
