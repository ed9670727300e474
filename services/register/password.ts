import { hash } from "@node-rs/argon2";

/** Argon2id: the library's enum has no name for it once types are stripped. */
const ARGON2ID = 2;

/**
 * Hashes a password with argon2id and a salt of its own, on a thread of the pool.
 *
 * The parameters are OWASP's (Password Storage Cheat Sheet): 19 MiB, 2 passes, 1 lane.
 */
export function hashPassword(password: string): Promise<string> {
  return hash(password, { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 });
}
