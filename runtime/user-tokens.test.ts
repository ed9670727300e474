import { createHmac, generateKeyPairSync } from "node:crypto";
import { SignJWT, UnsecuredJWT } from "jose";
import { testUsers } from "../test/support/users.ts";
import type { EndUser } from "./end-user.ts";
import { createLogger } from "./logger.ts";
import { cachedUserKeys } from "./user-keys.ts";
import { USER_TOKEN_AUDIENCE, USER_TOKEN_ISSUER, userTokenVerifier } from "./user-tokens.ts";

const INVALID = { kind: "unauthenticated", message: "the access token is not valid", reason: "USER_TOKEN_INVALID" };
const EXPIRED = { kind: "unauthenticated", message: "the access token has expired", reason: "USER_TOKEN_EXPIRED" };
const NOON = Date.UTC(2031, 0, 1, 12);

/** Users, a verifier of their tokens, and a clock that goes when it is told to. */
function startVerifier() {
  let nowMs = NOON;
  const now = () => nowMs;
  const users = testUsers({ now });
  let jwks = users.jwks;
  let asked = 0;
  const keys = cachedUserKeys({
    async fetch() {
      asked++;
      return jwks;
    },
    logger: createLogger({ name: "test", level: "silent", destination: { write() {} } }),
    now,
  });
  const answer = userTokenVerifier({ keys, now });
  return {
    ...{ users, answer },
    /** Always a Promise, also of what is answered or thrown at once. */
    verify: async (token: string): Promise<EndUser> => answer(token),
    asked: () => asked,
    pass(ms: number) {
      nowMs += ms;
    },
    withdrawKeys() {
      jwks = [];
    },
  };
}

test("tells whose token it is, and whether the user administers the shop", async () => {
  const { users, verify } = startVerifier();

  expect(await verify(users.tokenOf("7434029"))).toEqual({ id: "7434029", administrator: false });
  expect(await verify(users.tokenOf("7000000", { administrator: true }))).toEqual({ id: "7000000", administrator: true });
});

test("answers at once for a token that it has seen, with the same user", async () => {
  const { users, verify, answer, asked } = startVerifier();
  const token = users.tokenOf("7434029");
  const user = await verify(token);

  expect(answer(token)).toBe(user);
  expect(answer(users.tokenOf("7434029"))).toBeInstanceOf(Promise);
  expect(asked()).toBe(1);
});

test("takes a token for fifteen minutes, and five seconds more for clocks that differ", async () => {
  const { users, verify, pass } = startVerifier();
  const [seen, unseen] = [users.tokenOf("1"), users.tokenOf("1")];
  await verify(seen);

  pass(15 * 60_000 + 4_999);
  await expect(verify(seen)).resolves.toMatchObject({ id: "1" });
  await expect(verify(unseen)).resolves.toMatchObject({ id: "1" });
  pass(1);
  await expect(verify(seen)).rejects.toMatchObject(EXPIRED);
  await expect(verify(unseen)).rejects.toMatchObject(EXPIRED);
});

test("takes no token that is older than fifteen minutes, whatever it says itself", async () => {
  const { users, verify, pass } = startVerifier();
  const token = users.tokenOf("1", { expiresAt: new Date(NOON + 365 * 86_400_000) });
  await verify(token);

  pass(15 * 60_000 + 6_000);
  await expect(verify(token)).rejects.toMatchObject(EXPIRED);
});

test("takes no token whose key was withdrawn, as soon as it knows that", async () => {
  const { users, verify, pass, withdrawKeys } = startVerifier();
  const token = users.tokenOf("1");
  await verify(token);

  withdrawKeys();
  pass(5 * 60_000 + 1);
  await verify(token);
  await new Promise((resolve) => setImmediate(resolve));
  await expect(verify(token)).rejects.toMatchObject(INVALID);
});

test.each([
  ["another issuer", { claims: { iss: "https://elsewhere.example" } }],
  ["no issuer", { claims: { iss: undefined } }],
  ["another audience", { claims: { aud: "https://elsewhere.example" } }],
  ["no audience", { claims: { aud: undefined } }],
  ["no user", { claims: { sub: undefined } }],
  ["an empty user", { claims: { sub: "" } }],
  ["a user that is a number", { claims: { sub: 7_434_029 } }],
  ["no time of expiry", { claims: { exp: undefined } }],
  ["a text as time of expiry", { claims: { exp: "tomorrow" } }],
  ["no time of issue", { claims: { iat: undefined } }],
  ["a time of issue to come", { claims: { iat: NOON / 1_000 + 6 } }],
  ["a time to come from which on it is good", { claims: { nbf: NOON / 1_000 + 6 } }],
  ["no id", { claims: { jti: undefined } }],
  ["no session", { claims: { sid: undefined } }],
  ["a session that is a list", { claims: { sid: ["a"] } }],
  ["another type", { header: { typ: "JWT" } }],
  ["no type", { header: { typ: undefined } }],
  ["no key id", { header: { kid: undefined } }],
  ["a key id that is a number", { header: { kid: 1 } }],
  ["the id of no key", { header: { kid: "another" } }],
  ["an extension that must be understood", { header: { crit: ["x"], x: 1 } }],
  ["another algorithm in its header", { header: { alg: "ES256" } }],
  ["no algorithm", { header: { alg: "none" } }],
])("refuses a token with %s", async (_what, options) => {
  const { users, verify } = startVerifier();

  await expect(verify(users.tokenOf("7434029", options))).rejects.toMatchObject(INVALID);
});

test("refuses a token that another key has signed under the id of ours", async () => {
  const { users, verify } = startVerifier();
  const stranger = testUsers({ now: () => NOON });

  await expect(verify(stranger.tokenOf("1", { header: { kid: users.jwks[0]?.kid } }))).rejects.toMatchObject(INVALID);
});

test("refuses a token that was changed in any part, or that is not signed", async () => {
  const { users, verify } = startVerifier();
  const token = users.tokenOf("1");
  const [header = "", payload = "", signature = ""] = token.split(".");
  const other = Buffer.from(Buffer.from(payload, "base64url").toString().replace('"1"', '"2"')).toString("base64url");
  const bare = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url");

  for (const changed of [
    `${header}.${other}.${signature}`,
    `${header}.${payload}.`,
    `${header}.${payload}`,
    `${bare}.${payload}.`,
    `${bare}.${payload}.${signature}`,
    `${header}.${payload}.${signature}.${signature}`,
    `${token.slice(0, -4)}AAAA`,
    `${token}=`,
    `${token}\n`,
    new UnsecuredJWT({ sub: "1" }).encode(),
  ]) {
    await expect(verify(changed)).rejects.toMatchObject(INVALID);
  }
});

test("refuses a token that uses the public key as a secret, or brings its key along", async () => {
  const { users, verify } = startVerifier();
  const [jwk] = users.jwks;
  const claims = { iss: USER_TOKEN_ISSUER, aud: USER_TOKEN_AUDIENCE, sub: "1", iat: NOON / 1_000, exp: NOON / 1_000 + 60 };
  const parts = [{ alg: "HS256", typ: "at+jwt", kid: jwk?.kid }, claims];
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const mac = createHmac("sha256", Buffer.from(String(jwk?.x), "base64url"))
    .update(text)
    .digest("base64url");
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const own = publicKey.export({ format: "jwk" });
  const withKey = await new SignJWT({ ...claims, jti: "1", sid: "1" })
    .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: String(jwk?.kid), jwk: own as never })
    .sign(privateKey);

  await expect(verify(`${text}.${mac}`)).rejects.toMatchObject(INVALID);
  await expect(verify(withKey)).rejects.toMatchObject(INVALID);
});

test.each(["", ".", "..", "a.b.c", "eyJhbGciOiJFZERTQSJ9..", "null.null.null", "é.ü.ß", "\0", " ", "%%%.%%%.%%%"])(
  "refuses %j",
  async (token) => {
    await expect(startVerifier().verify(token)).rejects.toMatchObject(INVALID);
  },
);

test("does not look into a token of absurd size", async () => {
  const { users, answer, asked } = startVerifier();
  const token = users.tokenOf("1", { claims: { padding: "x".repeat(10_000) } });

  expect(() => answer(token)).toThrow(expect.objectContaining(INVALID));
  expect(asked()).toBe(0);
});

test("does not ask register again for each token that names an unknown key", async () => {
  const { users, verify, asked } = startVerifier();
  await verify(users.tokenOf("1"));

  for (let i = 0; i < 100; i++) {
    await expect(verify(users.tokenOf("1", { header: { kid: `made up ${i}` } }))).rejects.toMatchObject(INVALID);
  }
  expect(asked()).toBe(1);
});

test("says UNAVAILABLE, not UNAUTHENTICATED, while no key could be had", async () => {
  const users = testUsers();
  const keys = cachedUserKeys({
    fetch: () => Promise.reject(new Error("no register")),
    logger: createLogger({ name: "test", level: "silent", destination: { write() {} } }),
  });
  const verify = userTokenVerifier({ keys });

  await expect(verify(users.tokenOf("1"))).rejects.toMatchObject({ kind: "unavailable", reason: "USER_KEYS_UNAVAILABLE" });
});

test("remembers no more than ten thousand tokens, and those that are used", async () => {
  const { users, verify, answer } = startVerifier();
  const [first, second] = [users.tokenOf("first"), users.tokenOf("second")];
  await verify(first);
  await verify(second);
  const others = Array.from({ length: 9_999 }, (_, i) => users.tokenOf(String(i)));
  for (const token of others) {
    answer(first);
    await verify(token);
  }

  expect(answer(first)).toEqual({ id: "first", administrator: false });
  expect(answer(second)).toBeInstanceOf(Promise);
});

test("repeats nothing of a token in its refusals", async () => {
  const { users, verify } = startVerifier();
  for (const options of [
    { claims: { aud: "canary" } },
    { claims: { sub: "canary", exp: 1 } },
    { header: { crit: ["canary"] } },
  ]) {
    const refusal = await verify(users.tokenOf("canary", options)).catch((error: Error) => error);
    expect(`${JSON.stringify(refusal)} ${(refusal as Error).stack} ${(refusal as Error).cause}`).not.toContain("canary");
  }
});
