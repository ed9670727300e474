import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import type { JWK } from "jose";
import { Metadata } from "nice-grpc-common";
import type { VerifyUserToken } from "../../runtime/end-user.ts";
import { createLogger } from "../../runtime/logger.ts";
import { cachedUserKeys } from "../../runtime/user-keys.ts";
import {
  ADMINISTRATOR_ROLE,
  USER_TOKEN_ALGORITHM,
  USER_TOKEN_AUDIENCE,
  USER_TOKEN_ISSUER,
  USER_TOKEN_MS,
  USER_TOKEN_TYPE,
  userTokenVerifier,
} from "../../runtime/user-tokens.ts";

export interface TokenOptions {
  /** Whether the user administers the shop. The default is false. */
  administrator?: boolean;
  /** The default is as with real ones: in a quarter of an hour. */
  expiresAt?: Date;
  /** What else stands in the token, or something else. Undefined leaves a claim out. */
  claims?: Record<string, unknown>;
  /** Likewise for its header. */
  header?: Record<string, unknown>;
}

/** Users of a test, who need no register: their tokens are signed here. */
export interface TestUsers {
  /** Knows the tokens that are made here, and no others. */
  readonly verify: VerifyUserToken;
  /** The keys as register would publish them. */
  readonly jwks: readonly JWK[];
  tokenOf(userId: string, options?: TokenOptions): string;
  /** What a call of this user carries: `client.getUser(request, { metadata: users.as("7434029") })`. */
  as(userId: string, options?: TokenOptions): Metadata;
}

/** Makes a key, and with it tokens. */
export function testUsers(options: { now?: () => number } = {}): TestUsers {
  const { now = Date.now } = options;
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const kid = randomUUID();
  const jwks = [{ ...(publicKey.export({ format: "jwk" }) as JWK), kid, use: "sig", alg: USER_TOKEN_ALGORITHM }];
  const logger = createLogger({ name: "test", level: "silent", destination: { write() {} } });
  const keys = cachedUserKeys({ fetch: async () => jwks, logger, now });

  const tokenOf: TestUsers["tokenOf"] = (userId, { administrator = false, expiresAt, claims, header } = {}) => {
    const exp = Math.floor((expiresAt?.getTime() ?? now() + USER_TOKEN_MS) / 1_000);
    const iat = Math.min(Math.floor(now() / 1_000), exp - USER_TOKEN_MS / 1_000);
    const signed = [
      { alg: USER_TOKEN_ALGORITHM, typ: USER_TOKEN_TYPE, kid, ...header },
      {
        ...{ iss: USER_TOKEN_ISSUER, aud: USER_TOKEN_AUDIENCE, sub: userId, iat, exp },
        ...{ jti: randomUUID(), sid: randomUUID(), roles: administrator ? [ADMINISTRATOR_ROLE] : undefined },
        ...claims,
      },
    ];
    const text = signed.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    return `${text}.${sign(null, Buffer.from(text), privateKey).toString("base64url")}`;
  };
  return {
    verify: userTokenVerifier({ keys, now }),
    jwks,
    tokenOf,
    as: (userId, options) => new Metadata({ authorization: `Bearer ${tokenOf(userId, options)}` }),
  };
}
