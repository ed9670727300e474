import { randomUUID } from "node:crypto";
import { type CryptoKey, SignJWT } from "jose";
import {
  ADMINISTRATOR_ROLE,
  USER_TOKEN_ALGORITHM,
  USER_TOKEN_AUDIENCE,
  USER_TOKEN_ISSUER,
  USER_TOKEN_MS,
  USER_TOKEN_TYPE,
} from "../../runtime/user-tokens.ts";

/** Whom an access token is for. */
export interface TokenSubject {
  userId: string;
  sessionId: string;
  administrator: boolean;
}

/** A token, and when it expires. */
export interface ExpiringToken {
  token: string;
  expiresAt: Date;
}

/** Signs an access token, as runtime/user-tokens.ts verifies it. */
export async function signAccessToken(
  { userId, sessionId, administrator }: TokenSubject,
  { id, key }: { id: string; key: CryptoKey },
  now: Date,
): Promise<ExpiringToken> {
  const issuedAt = Math.floor(now.getTime() / 1_000);
  const expiresAt = issuedAt + USER_TOKEN_MS / 1_000;
  const token = await new SignJWT({ sid: sessionId, ...(administrator ? { roles: [ADMINISTRATOR_ROLE] } : {}) })
    .setProtectedHeader({ alg: USER_TOKEN_ALGORITHM, typ: USER_TOKEN_TYPE, kid: id })
    .setIssuer(USER_TOKEN_ISSUER)
    .setAudience(USER_TOKEN_AUDIENCE)
    .setSubject(userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .setJti(randomUUID())
    .sign(key);
  return { token, expiresAt: new Date(expiresAt * 1_000) };
}
