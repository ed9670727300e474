import { request } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { Status } from "nice-grpc";
import { ADA, HOME, heldPasswords, PASSWORD, startAccounts } from "./testing-register.ts";

const ATTACKER = "198.51.100.1";

/** Register with one user, and passwords that are compared only when they are let. */
async function startHeld(options: { passwordsWaiting?: number } = {}) {
  const held = heldPasswords();
  const accounts = await startAccounts({ passwords: held.passwords, ...options });
  await accounts.signUp();
  held.compared.length = 0;
  const comparedFor = () => held.compared.map(({ password }) => password);
  return { ...accounts, ...held, comparedFor };
}

/** Sign-ins with made-up addresses, whose password tells them apart. */
function flood(accounts: Awaited<ReturnType<typeof startHeld>>, count: number, addressOf: (i: number) => string) {
  const refusals: unknown[] = [];
  const calls = Array.from({ length: count }, (_, i) =>
    accounts.signIn({ email: `${i}@example.com`, password: `flood ${i}`, clientAddress: addressOf(i) }),
  );
  for (const call of calls) call.catch((error) => refusals.push(error));
  return {
    over: () => Promise.allSettled(calls),
    /** What so many of them were refused with, once they have been. */
    async refused(refusedCount: number) {
      while (refusals.length < refusedCount) await turn();
      return refusals;
    },
  };
}

test("signs a user in behind a few passwords of a flood, not behind all of them", async () => {
  await using accounts = await startHeld();
  accounts.hold();
  const calls = flood(accounts, 30, () => ATTACKER);
  await accounts.waiting(29);
  const signedIn = accounts.signIn();
  await accounts.waiting(30);

  accounts.release();

  await expect(signedIn).resolves.toBeDefined();
  expect(accounts.comparedFor().indexOf(PASSWORD)).toBeLessThanOrEqual(3);
  await calls.over();
});

test("signs a user in first who has been here before, whatever number of addresses a flood comes from", async () => {
  await using accounts = await startHeld();
  await accounts.signIn();
  accounts.compared.length = 0;
  accounts.hold();
  const calls = flood(accounts, 90, (i) => `198.51.100.${i}`);
  await accounts.waiting(89);
  const signedIn = accounts.signIn();
  await accounts.waiting(90);

  accounts.release();

  await expect(signedIn).resolves.toBeDefined();
  expect(accounts.comparedFor().indexOf(PASSWORD)).toBeLessThanOrEqual(3);
  await calls.over();
});

test("signs a user in soon who comes from a new address, when those of a flood have failed before", async () => {
  await using accounts = await startHeld();
  const addressOf = (i: number) => `198.51.100.${i}`;
  await flood(accounts, 90, addressOf).over();
  accounts.compared.length = 0;
  accounts.hold();
  const calls = flood(accounts, 90, addressOf);
  await accounts.waiting(89);
  const signedIn = accounts.signIn();
  await accounts.waiting(90);

  accounts.release();

  await expect(signedIn).resolves.toBeDefined();
  expect(accounts.comparedFor().indexOf(PASSWORD)).toBeLessThanOrEqual(3);
  await calls.over();
});

test("lets a flood make room when too many wait", async () => {
  await using accounts = await startHeld({ passwordsWaiting: 10 });
  const OVERLOADED = expect.objectContaining({ code: Status.RESOURCE_EXHAUSTED, reason: "OVERLOADED", retryAfterMs: 2_000 });
  accounts.hold();
  const calls = flood(accounts, 20, () => ATTACKER);
  expect(await calls.refused(9)).toEqual(Array(9).fill(OVERLOADED));

  const signedIn = accounts.signIn();
  expect(await calls.refused(10)).toEqual(Array(10).fill(OVERLOADED));
  accounts.release();

  await expect(signedIn).resolves.toBeDefined();
  await calls.over();
});

test("counts no attempt that was refused because too many waited", async () => {
  await using accounts = await startHeld({ passwordsWaiting: 1 });
  accounts.hold();
  const calls = flood(accounts, 2, () => ATTACKER);
  await accounts.waiting(1);
  for (let i = 0; i < 40; i++) {
    await expect(accounts.signIn({ clientAddress: ATTACKER })).rejects.toMatchObject({ reason: "OVERLOADED" });
  }
  accounts.release();
  await calls.over();

  await expect(accounts.signIn({ clientAddress: ATTACKER })).resolves.toBeDefined();
});

test("compares nothing for callers who have left or run out of time", async () => {
  await using accounts = await startHeld();
  accounts.hold();
  const working = flood(accounts, 1, () => ATTACKER);
  await accounts.comparing(1);
  const leaving = new AbortController();
  const credentials = { email: ADA.email, password: "left", clientAddress: HOME };
  const left = accounts.sessions.signIn(credentials, { signal: leaving.signal });
  left.catch(() => {});
  const late = accounts.sessions.signIn({ ...credentials, password: "late" }, { deadlineMs: 100 });
  await accounts.waiting(2);

  leaving.abort();
  await expect(late).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
  await accounts.waiting(0);
  accounts.release();
  await working.over();
  await turn();

  expect(accounts.comparedFor()).toEqual(["flood 0"]);
  await expect(accounts.signIn()).resolves.toBeDefined();
});

test("compares nothing for a client of HTTP who has left", async () => {
  await using accounts = await startHeld();
  accounts.hold();
  const working = flood(accounts, 1, () => ATTACKER);
  await accounts.comparing(1);
  const leaving = request(`${accounts.origin}/auth`, { method: "POST", headers: { "content-type": "application/json" } });
  leaving.on("error", () => {});
  leaving.end(JSON.stringify({ username: ADA.email, password: "left" }));
  await accounts.waiting(1);

  leaving.destroy();
  await accounts.waiting(0);
  accounts.release();
  await working.over();

  expect(accounts.comparedFor()).toEqual(["flood 0"]);
});

test("hashes the passwords of new accounts in the same queue, by address", async () => {
  await using accounts = await startHeld({ passwordsWaiting: 2 });
  accounts.hold();
  const calls = flood(accounts, 3, () => ATTACKER);
  await accounts.waiting(2);

  const registering = accounts.client.register({ ...ADA, email: "new@example.com", password: PASSWORD, clientAddress: HOME });
  expect(await calls.refused(1)).toMatchObject([{ reason: "OVERLOADED" }]);
  const tooMany = accounts.client.register({ ...ADA, email: "newer@example.com", password: PASSWORD });
  await expect(tooMany).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED, reason: "OVERLOADED" });
  accounts.release();

  await expect(registering).resolves.toMatchObject({ user: { email: "new@example.com" } });
  await expect(accounts.client.register({ ...ADA, clientAddress: "nowhere" })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "client_address", description: "must be an IP address" }],
  });
});

test("refreshes sessions at once while passwords wait", async () => {
  await using accounts = await startHeld();
  const { refreshToken } = await accounts.signIn();
  accounts.hold();
  const calls = flood(accounts, 50, (i) => `198.51.100.${i}`);
  await accounts.waiting(49);

  await expect(accounts.refresh(refreshToken)).resolves.toBeDefined();

  accounts.release();
  await calls.over();
});
