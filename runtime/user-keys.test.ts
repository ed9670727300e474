import { generateKeyPairSync } from "node:crypto";
import type { JWK } from "jose";
import { LogLines } from "../test/support/log-lines.ts";
import { createLogger } from "./logger.ts";
import { cachedUserKeys, USER_KEYS_MS } from "./user-keys.ts";

const jwk = (kid: string): JWK => ({
  ...(generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }) as JWK),
  kid,
  use: "sig",
  alg: "EdDSA",
});
const [A, B] = [jwk("a"), jwk("b")];
const UNAVAILABLE = { kind: "unavailable", reason: "USER_KEYS_UNAVAILABLE", retryAfterMs: 1_000 };

/** Keys from a register that can be told what to answer, under a clock that goes when it is told to. */
function startKeys() {
  let nowMs = 1_000_000;
  let answer: () => Promise<readonly JWK[]> = async () => [A];
  let asked = 0;
  const logs = new LogLines();
  const keys = cachedUserKeys({
    fetch() {
      asked++;
      return answer();
    },
    logger: createLogger({ name: "test", level: "info", destination: logs }),
    now: () => nowMs,
  });
  return {
    ...{ keys, logs },
    asked: () => asked,
    pass(ms: number) {
      nowMs += ms;
    },
    publish(...jwks: JWK[]) {
      answer = async () => jwks;
    },
    fail() {
      answer = () => Promise.reject(new Error("no register"));
    },
    /** Lets what was started in the background finish. */
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

test("asks for the keys when the first one is looked for, and not again", async () => {
  const { keys, asked } = startKeys();

  expect([keys.get("a"), asked()]).toEqual([undefined, 0]);
  await keys.refresh();
  expect(keys.get("a")).toMatchObject({ type: "public", algorithm: { name: "Ed25519" } });
  expect(asked()).toBe(1);
});

test("asks once for all who look at the same moment", async () => {
  const { keys, asked } = startKeys();

  await Promise.all(Array.from({ length: 100 }, () => keys.refresh()));

  expect([asked(), keys.get("a")]).toEqual([1, expect.anything()]);
});

test("asks for a key that it does not know every five seconds at most", async () => {
  const { keys, asked, pass, publish } = startKeys();
  await keys.refresh();
  for (let i = 0; i < 1_000; i++) await keys.refresh();
  expect(asked()).toBe(1);

  publish(A, B);
  pass(4_999);
  await keys.refresh();
  expect([asked(), keys.get("b")]).toEqual([1, undefined]);
  pass(1);
  await keys.refresh();
  expect([asked(), keys.get("b")]).toEqual([2, expect.anything()]);
});

test("asks again in the background when the keys are old, and goes on with them meanwhile", async () => {
  const { keys, asked, pass, publish, settle } = startKeys();
  await keys.refresh();
  publish(B);
  pass(USER_KEYS_MS + 1);

  expect(keys.get("a")).toBeDefined();
  await settle();
  expect([asked(), keys.get("a"), keys.get("b")]).toEqual([2, undefined, expect.anything()]);
});

test("gives the same object for a key that stays, and another one for a key that changes under its name", async () => {
  const { keys, pass, publish } = startKeys();
  await keys.refresh();
  const before = keys.get("a");

  publish(A, B);
  pass(5_000);
  await keys.refresh();
  expect(keys.get("a")).toBe(before);
  publish({ ...B, kid: "a" });
  pass(5_000);
  await keys.refresh();
  expect(keys.get("a")).not.toBe(before);
});

test("keeps what it has while register does not answer, for days", async () => {
  const { keys, asked, pass, fail, settle, logs } = startKeys();
  await keys.refresh();
  fail();
  for (let hours = 0; hours < 48; hours++) {
    pass(3_600_000);
    expect(keys.get("a")).toBeDefined();
    await settle();
  }

  expect(asked()).toBe(49);
  expect(logs.with({ msg: "could not get the keys of access tokens" })).toHaveLength(48);
});

test("says that it cannot tell while register does not answer, and asks again soon", async () => {
  const { keys, asked, pass, publish, fail } = startKeys();
  fail();

  for (let i = 0; i < 10; i++) await expect(keys.refresh()).rejects.toMatchObject(UNAVAILABLE);
  expect(asked()).toBe(1);
  publish(A);
  pass(1_000);
  await keys.refresh();
  expect([asked(), keys.get("a")]).toEqual([2, expect.anything()]);
});

test("takes a key for unknown as long as the keys are fresh, answer or not", async () => {
  const { keys, pass, fail } = startKeys();
  await keys.refresh();
  fail();

  pass(USER_KEYS_MS);
  await expect(keys.refresh()).resolves.toBeUndefined();
  pass(1_001);
  await expect(keys.refresh()).rejects.toMatchObject(UNAVAILABLE);
});

test("leaves out keys that no access token is signed with", async () => {
  const { keys, publish } = startKeys();
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 }).publicKey.export({ format: "jwk" }) as JWK;
  const { kid: _, ...nameless } = B;
  publish({ ...rsa, kid: "rsa" }, { kty: "oct", k: "c2VjcmV0", kid: "oct" }, { ...A, crv: "X25519", kid: "x" }, nameless, A);

  await keys.refresh();

  expect(["rsa", "oct", "x", "a"].map((kid) => keys.get(kid) !== undefined)).toEqual([false, false, false, true]);
});
