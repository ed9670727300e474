import { verify } from "@node-rs/argon2";
import { openDatabase } from "../../runtime/database.ts";
import { createLogger } from "../../runtime/logger.ts";
import { startRegister } from "../../test/support/service.ts";
import { migrations } from "./store.ts";
import { startAccounts, rowsOf as storedIn } from "./testing-register.ts";
import { registerUser } from "./user.ts";

const ADA = { email: "ada@example.com", name: "Ada", language: "en", country: "GB" };
const PASSWORD = "correct horse battery staple";

interface Rows {
  users: { email: string; password_hash: string | null; created_at_ms: number };
}

/** Every row of the store, read past the service. */
async function rowsOf(url: string): Promise<Rows["users"][]> {
  const logger = createLogger({ name: "test", level: "silent" });
  const { db, close } = await openDatabase<Rows>({ url, migrations, logger });
  try {
    return await db.selectFrom("users").selectAll().execute();
  } finally {
    await close();
  }
}

test("stores argon2id of the password with the parameters that OWASP asks for", async () => {
  await using register = await startRegister();

  await register.client.register({ ...ADA, password: PASSWORD });

  const [row] = await rowsOf(register.url);
  const hash = row?.password_hash ?? "";
  const [, algorithm, version, parameters] = hash.split("$");
  expect({ algorithm, version, parameters }).toEqual({ algorithm: "argon2id", version: "v=19", parameters: "m=19456,t=2,p=1" });
  expect(await verify(hash, PASSWORD)).toBe(true);
  expect(await verify(hash, `${PASSWORD}.`)).toBe(false);
});

test("stores different hashes of one password of two users", async () => {
  await using register = await startRegister();

  await register.client.register({ ...ADA, password: PASSWORD });
  await register.client.register({ ...ADA, email: "grace@example.com", password: PASSWORD });

  const hashes = (await rowsOf(register.url)).map((row) => row.password_hash);
  expect(new Set(hashes).size).toBe(2);
});

test("stores no hash for an account without a password", async () => {
  await using register = await startRegister();

  await register.client.register(ADA);

  expect(await rowsOf(register.url)).toMatchObject([{ email: ADA.email, password_hash: null }]);
});

test("lets the password appear in no store, log, answer or error", async () => {
  await using register = await startRegister();
  const answer = await register.client.register({ ...ADA, password: PASSWORD });
  const refusals = await Promise.allSettled([
    register.client.register({ ...ADA, password: PASSWORD }),
    register.client.register({ ...ADA, name: "", password: PASSWORD }),
    register.client.register({ ...ADA, password: PASSWORD.repeat(10) }),
  ]);

  expect(refusals.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  const everything = [answer, await rowsOf(register.url), register.logs.all, refusals.map(said)];
  expect(JSON.stringify(everything)).toContain("call finished");
  expect(JSON.stringify(everything)).not.toContain("horse");
});

test("lets the address appear in no log and no error", async () => {
  await using register = await startRegister();
  await register.client.register(ADA);
  const refusal = await Promise.allSettled([register.client.register(ADA)]);

  expect(JSON.stringify(refusal.map(said))).toContain("already registered.");
  expect(JSON.stringify([register.logs.all, refusal.map(said)])).not.toContain("ada@");
});

test("lets nothing that signs in appear in a log, an error or a metric, and no token in the store", async () => {
  await using accounts = await startAccounts();
  const email = "canary@example.com";
  const clientAddress = "203.0.113.77";
  const passwords = ["canary is the password", "canary is the next password", "canary is no password"];
  const [password = "", newPassword = "", wrong = ""] = passwords;
  const userId = await accounts.signUp({ ...ADA, email, password });
  const session = await accounts.signIn({ email, password, clientAddress });
  const next = await accounts.refresh(session.refreshToken, clientAddress);
  const changed = await accounts
    .withToken(next.accessToken)
    .sessions.changePassword({ userId, currentPassword: password, newPassword });
  const byHttp = await accounts.post("/auth", { username: email, password: newPassword });
  const tokens = [session, next, changed.session]
    .flatMap((one) => [one?.accessToken, one?.refreshToken])
    .concat(byHttp.body.token);
  expect(tokens.every((token) => String(token).length >= 43)).toBe(true);
  const refusals = await Promise.allSettled([
    ...Array.from({ length: 12 }, () => accounts.signIn({ email, password: wrong, clientAddress })),
    accounts.signIn({ email, password: wrong.repeat(10), clientAddress }),
    accounts.refresh(session.refreshToken, clientAddress),
    accounts.refresh(next.accessToken.slice(-100), clientAddress),
    accounts.sessions.refreshSession({ refreshToken: next.refreshToken, clientAddress: "canary" }),
    accounts.withToken(next.refreshToken).users.getUser({ userId }),
    accounts.withToken(`${next.accessToken}x`).users.getUser({ userId }),
    accounts.withToken(next.accessToken).sessions.changePassword({ userId, currentPassword: wrong, newPassword }),
  ]);
  expect(refusals.map(({ status }) => status)).toEqual(refusals.map(() => "rejected"));
  const answers = [
    await accounts.post("/auth", { username: email, password: wrong }),
    await accounts.post("/verify", { token: next.refreshToken }),
    await accounts.post(`/users/${next.accessToken}`, { token: next.accessToken }),
    await fetch(`${accounts.origin}/users/1`, { headers: { authorization: `Bearer ${next.refreshToken}` } }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 405, 401]);
  const rows: unknown[] = [];
  for (const table of ["sessions", "refresh_tokens", "signing_keys"] as const) rows.push(await storedIn(accounts, table));

  const written = JSON.stringify([accounts.logs.all, refusals.map(said), answers, await accounts.metrics.metrics(), rows]);

  expect(written).toContain("call finished");
  expect(written).toContain("page served");
  for (const secret of ["canary", clientAddress, ...tokens.map(String)]) expect(written).not.toContain(secret);
});

test("hands the store what it keeps of a registration and nothing else", async () => {
  const handed: unknown[] = [];
  const add = async (...values: unknown[]) => {
    handed.push(values);
    return "added";
  };
  const deps = { store: { add } as never, hashPassword: async () => "hash", randomInt: () => 7_000_000, now: () => new Date(0) };

  await registerUser(deps, { ...ADA, password: PASSWORD });

  expect(handed).toEqual([[{ ...ADA, id: "7000000", createdAt: new Date(0) }, "hash"]]);
});

/** Everything that an outcome says, the parts of an error that JSON leaves out included. */
function said(outcome: PromiseSettledResult<unknown>): unknown {
  if (outcome.status === "fulfilled") return outcome.value;
  return { ...outcome.reason, message: outcome.reason.message, stack: outcome.reason.stack };
}
