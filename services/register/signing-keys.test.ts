import { decodeProtectedHeader } from "jose";
import { createLogger } from "../../runtime/logger.ts";
import { cachedUserKeys } from "../../runtime/user-keys.ts";
import { userTokenVerifier } from "../../runtime/user-tokens.ts";
import { testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { LOOK_MS, openSigningKeys, PUBLISHED_BEFORE_MS } from "./signing-keys.ts";
import { openRegisterStore } from "./store.ts";
import { cheapPasswords, rowsOf, startAccounts } from "./testing-register.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const SUBJECT = { userId: "7434029", sessionId: "session", administrator: false };

/** A store, replicas with keys in it, and one clock for all. */
async function startKeys() {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await testDatabase());
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "info", destination: logs });
  const store = await openRegisterStore(url, logger);
  stack.defer(store.close);
  let nowMs = Date.UTC(2031, 0, 1);
  const now = () => new Date(nowMs);
  const owned = stack.move();
  return {
    ...{ url, store, logs, logger, now },
    replica: (signingKeys = store.signingKeys) => openSigningKeys({ store: signingKeys, periodMs: 30 * DAY, now, logger }),
    pass(ms: number) {
      nowMs += ms;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const keyOf = ({ token }: { token: string }) => String(decodeProtectedHeader(token).kid);

test("makes a key at the first start, and has it at the next", async () => {
  await using mesh = await startKeys();
  const first = await mesh.replica();
  const [jwk] = first.jwks();
  expect(first.jwks()).toEqual([
    {
      kty: "OKP",
      crv: "Ed25519",
      x: expect.stringMatching(/^[\w-]{43}$/),
      kid: expect.stringMatching(/^[\w-]{43}$/),
      use: "sig",
      alg: "EdDSA",
    },
  ]);

  const second = await mesh.replica();

  expect(second.jwks()).toEqual([jwk]);
  expect(keyOf(await second.sign(SUBJECT))).toBe(jwk?.kid);
});

test("makes one key when many replicas start for the first time at the same moment", async () => {
  await using mesh = await startKeys();

  const replicas = await Promise.all(Array.from({ length: 10 }, () => mesh.replica()));

  const published = new Set(replicas.map((keys) => JSON.stringify(keys.jwks())));
  expect(published.size).toBe(1);
  expect(await mesh.store.signingKeys.list()).toHaveLength(1);
  expect(mesh.logs.with({ msg: "made a key for access tokens" })).toHaveLength(1);
});

test("rotates keys without a moment in which a token is refused", async () => {
  await using mesh = await startKeys();
  const [signer, other] = [await mesh.replica(), await mesh.replica()];
  // What a server of another service knows: it asks every five minutes, and sees what `other` publishes.
  const keys = cachedUserKeys({ fetch: async () => other.jwks(), logger: mesh.logger, now: () => mesh.now().getTime() });
  const verify = userTokenVerifier({ keys, now: () => mesh.now().getTime() });
  const verified = async (token: string) => (await verify(token)).id;
  const used = new Set<string>();
  let unexpired: { token: string; expiresAt: Date }[] = [];

  for (let minutes = 0; minutes < 62 * 24 * 60; minutes += 3) {
    // Fast over the weeks in which nothing happens.
    const inMonth = minutes % (30 * 24 * 60);
    if (inMonth > 3 * 60 && inMonth < 29 * 24 * 60 + 22 * 60) {
      mesh.pass(3 * MINUTE);
      continue;
    }
    await signer.look();
    await other.look();
    const token = await signer.sign(SUBJECT);
    used.add(keyOf(token));
    unexpired = [...unexpired, token].filter(({ expiresAt }) => expiresAt > mesh.now());
    for (const one of unexpired) expect(await verified(one.token)).toBe(SUBJECT.userId);
    mesh.pass(3 * MINUTE);
  }

  expect(used.size).toBe(3);
  expect(signer.jwks().length).toBeLessThanOrEqual(2);
});

test("publishes a key for an hour before it signs, and until its last token has expired", async () => {
  await using mesh = await startKeys();
  const keys = await mesh.replica();
  const old = await keys.sign(SUBJECT);
  const published = () => keys.jwks().map(({ kid }) => kid);

  mesh.pass(30 * DAY - PUBLISHED_BEFORE_MS - 1);
  await keys.look();
  expect(published()).toEqual([keyOf(old)]);
  mesh.pass(1);
  await keys.look();
  const [, next] = published();
  expect(published()).toEqual([keyOf(old), expect.any(String)]);
  mesh.pass(PUBLISHED_BEFORE_MS - 1);
  expect(keyOf(await keys.sign(SUBJECT))).toBe(keyOf(old));
  mesh.pass(1);
  expect(keyOf(await keys.sign(SUBJECT))).toBe(next);
  mesh.pass(16 * MINUTE - 1);
  await keys.look();
  expect(published()).toEqual([keyOf(old), next]);
  mesh.pass(1);
  await keys.look();
  expect(published()).toEqual([next]);
  expect((await mesh.store.signingKeys.list()).map(({ id }) => id)).toEqual([next]);
});

test("publishes a new key for an hour also after a pause of months", async () => {
  await using mesh = await startKeys();
  const old = await (await mesh.replica()).sign(SUBJECT);
  mesh.pass(100 * DAY);

  const keys = await mesh.replica();

  expect(keyOf(await keys.sign(SUBJECT))).toBe(keyOf(old));
  expect(keys.jwks()).toHaveLength(2);
  mesh.pass(PUBLISHED_BEFORE_MS);
  expect(keyOf(await keys.sign(SUBJECT))).not.toBe(keyOf(old));
});

test("makes a new key at once when an operator has deleted those that somebody else has", async () => {
  await using mesh = await startKeys();
  const keys = await mesh.replica();
  const stolen = await keys.sign(SUBJECT);
  await mesh.store.signingKeys.delete([keyOf(stolen)]);

  mesh.pass(LOOK_MS);
  await keys.look();

  expect(keyOf(await keys.sign(SUBJECT))).not.toBe(keyOf(stolen));
  await expect(userTokenVerifier({ keys, now: () => mesh.now().getTime() })(stolen.token)).rejects.toMatchObject({
    reason: "USER_TOKEN_INVALID",
  });
});

test("takes a token that another replica has just signed with a key of its own", async () => {
  await using mesh = await startKeys();
  const [one, other] = [await mesh.replica(), await mesh.replica()];
  await mesh.store.signingKeys.delete([keyOf(await one.sign(SUBJECT))]);
  mesh.pass(LOOK_MS);
  await one.look();

  const { token } = await one.sign(SUBJECT);

  await expect(userTokenVerifier({ keys: other, now: () => mesh.now().getTime() })(token)).resolves.toMatchObject({
    id: "7434029",
  });
});

test("does not look into the store for each token that names an unknown key", async () => {
  await using mesh = await startKeys();
  let looked = 0;
  const list = () => {
    looked++;
    return mesh.store.signingKeys.list();
  };
  const keys = await mesh.replica({ ...mesh.store.signingKeys, list });
  looked = 0;

  for (let i = 0; i < 100; i++) await keys.refresh();
  expect(looked).toBe(0);
  mesh.pass(5_000);
  for (let i = 0; i < 100; i++) await keys.refresh();
  expect(looked).toBe(1);
});

test("goes on with the keys that it has while the store is away", async () => {
  await using mesh = await startKeys();
  let away = false;
  const gone = async (): Promise<never> => {
    throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  };
  const keys = await mesh.replica({ ...mesh.store.signingKeys, list: () => (away ? gone() : mesh.store.signingKeys.list()) });
  away = true;
  mesh.pass(MINUTE);

  await expect(keys.look()).rejects.toThrow("ECONNREFUSED");
  await expect(keys.refresh()).resolves.toBeUndefined();

  expect(keys.jwks()).toHaveLength(1);
  await expect(keys.sign(SUBJECT)).resolves.toBeDefined();
});

test("publishes the same keys by RPC and by HTTP, and nothing of the private ones", async () => {
  await using accounts = await startAccounts({ passwords: cheapPasswords().passwords });
  const [row] = await rowsOf(accounts, "signing_keys");

  const byHttp = await fetch(`${accounts.origin}/.well-known/jwks.json`);
  const text = await byHttp.text();
  const byRpc = await accounts.sessions.listSigningKeys({});

  expect(JSON.parse(text)).toEqual({
    keys: [{ kty: "OKP", crv: "Ed25519", x: row?.public_key, kid: row?.id, use: "sig", alg: "EdDSA" }],
  });
  expect(byRpc).toEqual(JSON.parse(text));
  expect(byHttp.headers.get("cache-control")).toBe("public, max-age=300");
  expect(byHttp.headers.get("content-type")).toBe("application/jwk-set+json; charset=utf-8");
  expect(String(row?.private_key)).toMatch(/^[\w-]{43}$/);
  expect(JSON.stringify([text, byRpc, accounts.logs.all, await accounts.metrics.metrics()])).not.toContain(
    String(row?.private_key),
  );
});
