import { hash, verify } from "@node-rs/argon2";

/** Argon2id: the library's enum has no name for it once types are stripped. */
const ARGON2ID = 2;
/** OWASP's (Password Storage Cheat Sheet): 19 MiB, 2 passes, 1 lane. */
const PARAMETERS = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** How a hash with these parameters begins. */
const UP_TO_DATE = "$argon2id$v=19$m=19456,t=2,p=1$";

/** What a password is hashed and compared with. Each takes 10 to 15 ms of a core and 19 MiB: see hash-queue.ts. */
export interface Passwords {
  /** @returns a text that holds its salt and its parameters. */
  hash(password: string): Promise<string>;
  /** Whether `password` is the one that `hash` was made of. */
  verify(hash: string, password: string): Promise<boolean>;
  /** Whether the hash was made with other parameters than a new one would be. */
  isOutdated(hash: string): boolean;
}

/** Argon2id with a salt for each hash, on threads of the pool. */
export const argon2id: Passwords = {
  hash: (password) => hash(normalized(password), PARAMETERS),
  verify: (hashed, password) => verify(hashed, normalized(password)),
  isOutdated: (hashed) => !hashed.startsWith(UP_TO_DATE),
};

/** One password is the same from every keyboard: é in one code point or two (NIST SP 800-63B, "Password Verifiers": NFKC). */
function normalized(password: string): string {
  return password.normalize("NFKC");
}
