import { hash } from "node:crypto";
import { type CryptoKey, errors, type JWTPayload, jwtVerify } from "jose";
import type { EndUser, VerifyUserToken } from "./end-user.ts";
import { Failure } from "./errors.ts";
import type { UserKeys } from "./user-keys.ts";

/** Who signs access tokens (RFC 7519, "iss"): the register of the mesh. */
export const USER_TOKEN_ISSUER = "https://register.bookmesh.local";
/** For whom they are meant (RFC 7519, "aud"): every server of the mesh. */
export const USER_TOKEN_AUDIENCE = "https://bookmesh.local";
/** What kind of token it is (RFC 9068, section 2.1): no other token that is signed with these keys passes for one. */
export const USER_TOKEN_TYPE = "at+jwt";
/** The algorithm of RFC 8037, with Ed25519 keys. */
export const USER_TOKEN_ALGORITHM = "EdDSA";
/** How long a token is good for; none is taken that is older, whatever it says itself. */
export const USER_TOKEN_MS = 15 * 60_000;
/** The role (RFC 9068, section 2.2.3.1: the claim "roles") of those who administer the shop. */
export const ADMINISTRATOR_ROLE = "administrator";

/** Several times what register makes. */
const LONGEST_TOKEN = 2_048;
/** Three parts in base64url, nothing around them, and a signature of 64 bytes: jose forgives padding and white space. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]{86}$/;
/** As many users as may be active at once on one server before their tokens are verified more than once: about 3 MB. */
const MOST_VERIFIED = 10_000;
/** How far the clocks of two machines may be apart. */
const CLOCK_TOLERANCE_SECONDS = 5;
const REQUIRED_CLAIMS = ["sub", "exp", "iat", "jti", "sid"];

interface VerifiedToken {
  readonly user: EndUser;
  readonly keyId: string;
  readonly key: CryptoKey;
  readonly expiresAtMs: number;
}

/**
 * Verifies access tokens without asking anybody, but for keys that are not known yet.
 *
 * A token that was verified before is answered at once, until it expires or its
 * key is withdrawn. Kept is a hash of it, so that no token lies in memory.
 *
 * It fails with "unauthenticated", reason USER_TOKEN_EXPIRED or USER_TOKEN_INVALID,
 * and with "unavailable" while nobody can say whether the key is a key of the mesh.
 */
export function userTokenVerifier(options: { keys: UserKeys; now?: () => number }): VerifyUserToken {
  const { keys, now = Date.now } = options;
  /** By hash of the token; the one that was used last is the last. */
  const verified = new Map<string, VerifiedToken>();

  const keyOf = async (keyId: unknown): Promise<CryptoKey> => {
    if (typeof keyId !== "string") throw invalid();
    const known = keys.get(keyId);
    if (known !== undefined) return known;
    await keys.refresh();
    return keys.get(keyId) ?? refuseInvalid();
  };

  const verify = async (token: string, id: string): Promise<EndUser> => {
    const { payload, protectedHeader, key } = await jwtVerify(token, ({ kid }) => keyOf(kid), {
      algorithms: [USER_TOKEN_ALGORITHM],
      typ: USER_TOKEN_TYPE,
      issuer: USER_TOKEN_ISSUER,
      audience: USER_TOKEN_AUDIENCE,
      requiredClaims: REQUIRED_CLAIMS,
      maxTokenAge: USER_TOKEN_MS / 1_000,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(now()),
    }).catch(refuse);
    const user = userOf(payload);
    const { exp = 0, iat = 0 } = payload;
    const expiresAtMs = Math.min(exp * 1_000, iat * 1_000 + USER_TOKEN_MS);
    verified.set(id, { user, keyId: String(protectedHeader.kid), key: key as CryptoKey, expiresAtMs });
    for (const oldest of verified.keys()) {
      if (verified.size <= MOST_VERIFIED) break;
      verified.delete(oldest);
    }
    return user;
  };

  return (token) => {
    if (token.length > LONGEST_TOKEN) throw invalid();
    const id = hash("sha256", token, "base64");
    const known = verified.get(id);
    if (known === undefined) {
      if (!TOKEN.test(token)) throw invalid();
      return verify(token, id);
    }
    verified.delete(id);
    if (known.expiresAtMs <= now() || keys.get(known.keyId) !== known.key) return verify(token, id);
    verified.set(id, known);
    return known.user;
  };
}

function userOf({ sub, sid, jti, roles }: JWTPayload): EndUser {
  const administrator = Array.isArray(roles) && roles.includes(ADMINISTRATOR_ROLE);
  if (![sub, sid, jti].every((text) => typeof text === "string" && text !== "")) throw invalid();
  return Object.freeze({ id: sub as string, administrator });
}

/** What jose says of a token can hold parts of it, so it is not even kept as a cause. */
function refuse(error: unknown): never {
  if (error instanceof errors.JWTExpired) {
    throw new Failure("unauthenticated", "the access token has expired", { reason: "USER_TOKEN_EXPIRED" });
  }
  throw error instanceof errors.JOSEError ? invalid() : error;
}

function refuseInvalid(): never {
  throw invalid();
}

function invalid(): Failure {
  return new Failure("unauthenticated", "the access token is not valid", { reason: "USER_TOKEN_INVALID" });
}
