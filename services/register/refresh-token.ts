import { createHmac, hash, randomBytes } from "node:crypto";

/** A new refresh token, or a nonce to make the next one with: 256 random bits in base64url. */
export function randomToken(): string {
  return randomBytes(32).toString("base64url");
}

/** What is stored of a token. It has nothing that could be guessed, so a plain hash will do. */
export function tokenHash(token: string): string {
  return hash("sha256", token, "base64url");
}

/**
 * The token that comes after `token`.
 *
 * Whoever lost it can be given it again, and yet it is stored nowhere: the store
 * has the nonce and a hash of `token`, the caller `token` alone, and neither will do.
 */
export function nextToken(token: string, nonce: string): string {
  return createHmac("sha256", nonce).update(token).digest("base64url");
}
