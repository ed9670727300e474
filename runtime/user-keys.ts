import { AsyncLocalStorage } from "node:async_hooks";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { Failure } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** The public keys that access tokens of users are verified with. */
export interface UserKeys {
  /** The key of this id, if it is known by now. The same object for as long as the key is one. */
  get(keyId: string): CryptoKey | undefined;
  /**
   * Looks for keys that are new. When it resolves, a key that is not known is none.
   *
   * @throws Failure "unavailable" if nobody can be asked and what is known is too old to say so.
   */
  refresh(): Promise<void>;
}

/** How long keys may be kept before they are asked for again. A new key is published that long, at least, before it signs. */
export const USER_KEYS_MS = 5 * 60_000;
/** How long nobody is asked again: tokens that name keys which never were must not become calls. */
const PAUSE_MS = 5_000;
/** The same when there was no answer: register may be about to start. */
const PAUSE_AFTER_FAILURE_MS = 1_000;
/** Far more than there ever are: a key signs for a month. */
const MOST_KEYS = 32;

export interface UserKeysOptions {
  /** The JSON Web Keys that are good now. */
  fetch(): Promise<readonly JWK[]>;
  logger: Logger;
  /** Milliseconds of any clock that only goes forward. */
  now?: () => number;
}

/**
 * Keeps the keys that `fetch` gives.
 *
 * They are asked for when the first token comes, in the background when they are
 * five minutes old, and when a token names one that is not known, but never twice
 * within five seconds. While they cannot be had, those of before stay.
 */
export function cachedUserKeys({ fetch, logger, now = () => performance.now() }: UserKeysOptions): UserKeys {
  // Not as work for the call that happens to need a key: it is for others too, whatever its deadline.
  const fetchForAll = AsyncLocalStorage.bind(fetch);
  let keys: ReadonlyMap<string, KnownKey> = new Map();
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let pauseUntilMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  const ask = (): Promise<void> | undefined => {
    if (asking !== undefined || now() < pauseUntilMs) return asking;
    const startedAtMs = now();
    asking = (async () => {
      try {
        keys = await imported(await fetchForAll(), keys);
        fetchedAtMs = startedAtMs;
        pauseUntilMs = startedAtMs + PAUSE_MS;
      } catch (error) {
        logger.warn({ err: error }, "could not get the keys of access tokens");
        pauseUntilMs = now() + PAUSE_AFTER_FAILURE_MS;
      } finally {
        asking = undefined;
      }
    })();
    return asking;
  };
  const isOld = () => now() - fetchedAtMs > USER_KEYS_MS;

  return {
    get(keyId) {
      if (fetchedAtMs !== Number.NEGATIVE_INFINITY && isOld()) void ask();
      return keys.get(keyId)?.key;
    },
    async refresh() {
      await ask();
      if (!isOld()) return;
      throw new Failure("unavailable", "access tokens cannot be verified now", {
        reason: "USER_KEYS_UNAVAILABLE",
        retryAfterMs: PAUSE_AFTER_FAILURE_MS,
      });
    },
  };
}

interface KnownKey {
  readonly key: CryptoKey;
  readonly x: string;
}

/** Keys that are known already stay the same objects. Keys of other kinds are left out: some may come that are not for tokens. */
async function imported(jwks: readonly JWK[], known: ReadonlyMap<string, KnownKey>): Promise<ReadonlyMap<string, KnownKey>> {
  const keys = new Map<string, KnownKey>();
  for (const { kid, kty, crv, x } of jwks.slice(0, MOST_KEYS)) {
    if (kid === undefined || kty !== "OKP" || crv !== "Ed25519" || x === undefined) continue;
    const before = known.get(kid);
    const key = before?.x === x ? before.key : await importJWK({ kty, crv, x }, "EdDSA");
    keys.set(kid, { key: key as CryptoKey, x });
  }
  return keys;
}
