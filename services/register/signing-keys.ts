import { generateKeyPairSync } from "node:crypto";
import { type CryptoKey, calculateJwkThumbprint, importJWK, type JWK } from "jose";
import type { Logger } from "../../runtime/logger.ts";
import { USER_KEYS_MS, type UserKeys } from "../../runtime/user-keys.ts";
import { USER_TOKEN_ALGORITHM, USER_TOKEN_MS } from "../../runtime/user-tokens.ts";
import { type ExpiringToken, signAccessToken, type TokenSubject } from "./access-token.ts";

/** A key as it is stored. */
export interface StoredKey {
  /** 1 for the first. */
  generation: number;
  id: string;
  /** In base64url. */
  publicKey: string;
  /** In base64url. It leaves the process for the store, and for nowhere else. */
  privateKey: string;
  /** It signs from then on, until the next one does. */
  signsFromMs: number;
}

export interface SigningKeyStore {
  /** By generation. */
  list(): Promise<StoredKey[]>;
  /** Adds a key, unless there is one of its generation already. @returns whether it did. */
  add(key: StoredKey): Promise<boolean>;
  /** @param ids one at least. */
  delete(ids: readonly string[]): Promise<void>;
}

/** How long a key is published before it signs: several times as long as anybody may keep the keys. */
export const PUBLISHED_BEFORE_MS = 12 * USER_KEYS_MS;
/** How long a key is published after the next one signs: as long as its last token is good, and longer than clocks differ. */
const PUBLISHED_AFTER_MS = USER_TOKEN_MS + 60_000;
/** How often the keys that are stored are looked at. */
export const LOOK_MS = 60_000;
/** How soon again for a token that names a key which is not known. */
const PAUSE_MS = 5_000;

export interface SigningKeysOptions {
  store: SigningKeyStore;
  /** How long a key signs. */
  periodMs: number;
  now(): Date;
  logger: Logger;
}

interface LoadedKey extends Omit<StoredKey, "publicKey" | "privateKey"> {
  readonly jwk: JWK;
  readonly signingKey: CryptoKey;
  readonly verifyingKey: CryptoKey;
}

/** Signs access tokens with the key whose time it is, and publishes all that one may be signed with. */
export interface SigningKeys extends UserKeys {
  sign(subject: TokenSubject): Promise<ExpiringToken>;
  /** What to publish. */
  jwks(): JWK[];
  /**
   * Looks at what is stored: takes over the keys that other replicas have made,
   * makes the next one when it is time, and deletes those that are past theirs.
   * To be called every LOOK_MS. Rejects when the store is away; then everything stays as it was.
   */
  look(): Promise<void>;
}

/** Opens the keys in the store. Makes the first one if there is none. */
export async function openSigningKeys(options: SigningKeysOptions): Promise<SigningKeys> {
  const { store, periodMs, now, logger } = options;
  let keys: readonly LoadedKey[] = [];
  let looking: Promise<void> | undefined;
  let lookedAtMs = Number.NEGATIVE_INFINITY;

  const lookNow = async () => {
    const nowMs = now().getTime();
    lookedAtMs = nowMs;
    let stored = await store.list();
    const next = await nextKey(stored.at(-1), nowMs, periodMs);
    if (next !== undefined) {
      // Another replica may be faster; its key counts then.
      const added = await store.add(next);
      if (added) logger.info({ key: next.id, signsFrom: new Date(next.signsFromMs) }, "made a key for access tokens");
      stored = await store.list();
    }
    const { published, past } = sortOut(stored, nowMs);
    if (past.length > 0) await store.delete(past);
    keys = await Promise.all(published.map((key) => keys.find(({ id }) => id === key.id) ?? loaded(key)));
  };
  const look = () => {
    looking ??= lookNow().finally(() => {
      looking = undefined;
    });
    return looking;
  };

  await look();
  return {
    look,
    sign(subject) {
      const nowMs = now().getTime();
      const signing = keys.findLast(({ signsFromMs }) => signsFromMs <= nowMs) ?? keys[0];
      if (signing === undefined) throw new Error("there is no key for access tokens");
      return signAccessToken(subject, { id: signing.id, key: signing.signingKey }, new Date(nowMs));
    },
    jwks: () => keys.map(({ jwk }) => jwk),
    get: (keyId) => keys.find(({ id }) => id === keyId)?.verifyingKey,
    async refresh() {
      if (looking === undefined && now().getTime() - lookedAtMs < PAUSE_MS) return;
      await look().catch((error: unknown) => logger.warn({ err: error }, "could not look for keys of access tokens"));
    },
  };
}

/** The key to make now, if it is time for one. */
async function nextKey(newest: StoredKey | undefined, nowMs: number, periodMs: number): Promise<StoredKey | undefined> {
  // No token has been signed yet, or an operator has deleted the keys because somebody else has them: no time to lose.
  if (newest === undefined) return newKey(1, nowMs);
  const dueMs = newest.signsFromMs + periodMs;
  if (nowMs < dueMs - PUBLISHED_BEFORE_MS) return undefined;
  return newKey(newest.generation + 1, Math.max(dueMs, nowMs + PUBLISHED_BEFORE_MS));
}

async function newKey(generation: number, signsFromMs: number): Promise<StoredKey> {
  const { kty, crv, x = "", d = "" } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  // RFC 7638: the name follows from the key.
  const id = await calculateJwkThumbprint({ kty, crv, x } as JWK);
  return { generation, id, publicKey: x, privateKey: d, signsFromMs };
}

/** Which keys have signed tokens that may still be good, or are to sign, and the ids of the others. */
function sortOut(stored: readonly StoredKey[], nowMs: number): { published: StoredKey[]; past: string[] } {
  const isPast = (_key: StoredKey, i: number) => (stored[i + 1]?.signsFromMs ?? Infinity) + PUBLISHED_AFTER_MS <= nowMs;
  return {
    published: stored.filter((key, i) => !isPast(key, i)),
    past: stored.filter(isPast).map(({ id }) => id),
  };
}

async function loaded({ generation, id, publicKey, privateKey, signsFromMs }: StoredKey): Promise<LoadedKey> {
  const jwk: JWK = { kty: "OKP", crv: "Ed25519", x: publicKey };
  const [signingKey, verifyingKey] = await Promise.all([
    importJWK({ ...jwk, d: privateKey }, USER_TOKEN_ALGORITHM),
    importJWK(jwk, USER_TOKEN_ALGORITHM),
  ]);
  return {
    ...{ generation, id, signsFromMs },
    jwk: { ...jwk, kid: id, use: "sig", alg: USER_TOKEN_ALGORITHM },
    signingKey: signingKey as CryptoKey,
    verifyingKey: verifyingKey as CryptoKey,
  };
}
