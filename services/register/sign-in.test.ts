import { Status } from "nice-grpc";
import { ADA, cheapPasswords, GRACE, HOME, PASSWORD, startAccounts } from "./testing-register.ts";

const REFUSED = {
  code: Status.UNAUTHENTICATED,
  details: "e-mail address and password do not belong together",
  reason: "INVALID_CREDENTIALS",
};

test("signs a user in, and says who it is and until when the tokens are good", async () => {
  await using accounts = await startAccounts();
  const id = await accounts.signUp();
  const nowMs = accounts.now().getTime();

  const session = await accounts.signIn();

  expect(session).toEqual({
    user: { ...ADA, id, createTime: accounts.now() },
    accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]{86}$/),
    accessTokenExpireTime: new Date(nowMs + 15 * 60_000),
    refreshToken: expect.stringMatching(/^[\w-]{43}$/),
    refreshTokenExpireTime: new Date(nowMs + 30 * 86_400_000),
  });
  const { user } = await accounts.withToken(session.accessToken).users.getUser({ userId: id });
  expect(user).toMatchObject(ADA);
});

test("signs in whatever the case of the address is, and however the password was typed", async () => {
  await using accounts = await startAccounts();
  await accounts.signUp({ ...ADA, password: "cafe\u0301 \ufb01ve \u212bngstro\u0308m" });

  await expect(accounts.signIn({ email: "ADA@Example.COM", password: "café five Ångström" })).resolves.toBeDefined();
  await expect(accounts.signIn({ password: "cafe five Angstrom" })).rejects.toMatchObject(REFUSED);
});

test.each([
  ["a wrong password", {}],
  ["an address that nobody has", { email: "nobody@example.com" }],
  ["an account without a password", { email: GRACE.email }],
  ["an address that is none", { email: "' OR 1=1 --" }],
])("gives the same answer to %s, after one comparison", async (_what, request) => {
  const { passwords, compared } = cheapPasswords();
  await using accounts = await startAccounts({ passwords });
  await accounts.signUp();
  await accounts.signUp(GRACE);

  const refusal = accounts.signIn({ ...request, password: "wrong" });

  await expect(refusal).rejects.toMatchObject(REFUSED);
  await expect(refusal).rejects.toHaveProperty("metadata", {});
  await expect(refusal).rejects.toHaveProperty("retryAfterMs", undefined);
  expect(compared).toEqual([{ hash: expect.stringMatching(/^cheap /), password: "wrong" }]);
});

test("compares with a hash as dear as any other where there is no account", async () => {
  await using accounts = await startAccounts();
  await accounts.signUp();
  const took = async (request: object) => {
    const startedAt = performance.now();
    await expect(accounts.signIn({ ...request, password: "wrong" })).rejects.toMatchObject(REFUSED);
    return performance.now() - startedAt;
  };
  await took({});

  const [known, unknown] = [
    [await took({}), await took({}), await took({})],
    [await took({ email: "x" }), await took({ email: "y" }), await took({ email: "z" })],
  ];

  // Far less exact than counting, but of the real hash: without it the answer takes a tenth of the time.
  expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 3);
});

test("names what is wrong with a request, and compares nothing", async () => {
  const { passwords, compared } = cheapPasswords();
  await using accounts = await startAccounts({ passwords });

  await expect(accounts.sessions.signIn({})).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: ["email", "password", "client_address"].map((field) => ({ field, description: "is required" })),
  });
  await expect(accounts.signIn({ clientAddress: "localhost" })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "client_address", description: "must be an IP address" }],
  });
  await expect(accounts.signIn({ password: "x".repeat(129) })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
  expect(compared).toEqual([]);
});

test("stores a new hash when the old one was made with other parameters", async () => {
  const { passwords, hashed, compared } = cheapPasswords();
  const old = { ...passwords, hash: async (password: string) => `old ${password}` };
  await using earlier = await startAccounts({ passwords: old });
  await earlier.signUp();
  await using accounts = await startAccounts({ url: earlier.url, passwords });
  hashed.length = 0;

  await expect(accounts.signIn({ password: "wrong" })).rejects.toMatchObject(REFUSED);
  expect(hashed).toEqual([]);
  await accounts.signIn();
  await accounts.signIn();

  expect(hashed).toEqual([PASSWORD]);
  expect(compared.map(({ hash }) => hash)).toEqual([`old ${PASSWORD}`, `old ${PASSWORD}`, `cheap ${PASSWORD}`]);
});

test("takes an administrator for one from the next token on", async () => {
  await using accounts = await startAccounts({ passwords: cheapPasswords().passwords });
  const id = await accounts.signUp();
  const before = await accounts.signIn();

  await accounts.operator.setAdministrator({ userId: id, administrator: true });
  const [after, refreshed] = [await accounts.signIn(), await accounts.refresh(before.refreshToken)];

  const list = (token: string) => accounts.withToken(token).users.listUsers({});
  await expect(list(before.accessToken)).rejects.toMatchObject({ code: Status.PERMISSION_DENIED });
  await expect(list(after.accessToken)).resolves.toMatchObject({ users: [{ id }] });
  await expect(list(refreshed.accessToken)).resolves.toMatchObject({ users: [{ id }] });
  await accounts.operator.setAdministrator({ userId: id, administrator: false });
  await expect(list((await accounts.signIn()).accessToken)).rejects.toMatchObject({ code: Status.PERMISSION_DENIED });
  expect(accounts.logs.with({ audit: true, msg: "administrator set" })).toMatchObject([
    { actor: "spiffe://bookmesh.local/operator", user: id, administrator: true },
    { user: id, administrator: false },
  ]);
});

test("makes nobody an administrator who is not there, and for nobody but the operator", async () => {
  await using accounts = await startAccounts({ passwords: cheapPasswords().passwords });
  const id = await accounts.signUp();

  await expect(accounts.operator.setAdministrator({ userId: "1", administrator: true })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    reason: "USER_NOT_FOUND",
  });
  await expect(accounts.sessions.setAdministrator({ userId: id, administrator: true })).rejects.toMatchObject({
    code: Status.PERMISSION_DENIED,
  });
});

test("counts how sign-ins end", async () => {
  await using accounts = await startAccounts({ passwords: cheapPasswords().passwords });
  await accounts.signUp();
  await accounts.signIn();
  for (let i = 0; i < 12; i++) await accounts.signIn({ password: "wrong", clientAddress: "198.51.100.1" }).catch(() => {});

  const text = await accounts.metrics.metrics();
  const counts = [...text.matchAll(/^bookmesh_sign_ins_total\{outcome="(\w+)"\} (\d+)/gm)].map(([, outcome, count]) => [
    outcome,
    Number(count),
  ]);
  expect(Object.fromEntries(counts)).toEqual({ OK: 1, INVALID_CREDENTIALS: 10, TOO_MANY_ATTEMPTS: 2 });
  expect(text).toContain("bookmesh_passwords_waiting 0");
});

test("tells nobody apart by the limits: an address that nobody has is limited like any other", async () => {
  const { passwords, compared } = cheapPasswords();
  await using accounts = await startAccounts({ passwords });
  await accounts.signUp();
  const answers = async (email: string, clientAddress: string) => {
    const outcomes: unknown[] = [];
    for (let i = 0; i < 12; i++) {
      const { code, details, reason, retryAfterMs } = await accounts
        .signIn({ email, password: "wrong", clientAddress })
        .catch((error) => error);
      outcomes.push({ code, details, reason, retryAfterMs });
    }
    return outcomes;
  };

  const known = await answers(ADA.email, "198.51.100.1");
  const unknown = await answers("nobody@example.com", "198.51.100.2");

  expect(unknown).toEqual(known);
  expect(known[9]).toMatchObject(REFUSED);
  expect(known[10]).toEqual({
    code: Status.RESOURCE_EXHAUSTED,
    details: "too many attempts to sign in; try again later",
    reason: "TOO_MANY_ATTEMPTS",
    retryAfterMs: 90_000,
  });
  // What is refused for the limit costs nothing.
  expect(compared).toHaveLength(20);
});

test("keeps no user out at home, whoever guesses elsewhere", async () => {
  await using accounts = await startAccounts({ passwords: cheapPasswords().passwords });
  await accounts.signUp();
  await accounts.signIn();
  for (let i = 0; i < 6; i++) {
    for (let j = 0; j < 10; j++) await accounts.signIn({ password: "wrong", clientAddress: `198.51.100.${i}` }).catch(() => {});
  }

  await expect(accounts.signIn()).resolves.toBeDefined();
  await expect(accounts.signIn({ clientAddress: "::ffff:192.0.2.1" })).resolves.toBeDefined();
  await expect(accounts.signIn({ clientAddress: "203.0.113.1" })).rejects.toMatchObject({ reason: "TOO_MANY_ATTEMPTS" });
  accounts.pass(60_000);
  await expect(accounts.signIn({ clientAddress: "203.0.113.1" })).resolves.toBeDefined();
});

test("counts a client of IPv6 by its network", async () => {
  await using accounts = await startAccounts({ passwords: cheapPasswords().passwords });
  const guess = (i: number) =>
    accounts.signIn({ email: `${i}@example.com`, password: "wrong", clientAddress: `2001:db8:1:2::${i}` });
  for (let i = 1; i <= 30; i++) await guess(i).catch(() => {});

  await expect(guess(31)).rejects.toMatchObject({ reason: "TOO_MANY_ATTEMPTS" });
  await expect(accounts.signIn({ email: "x", clientAddress: "2001:db8:1:3::1" })).rejects.toMatchObject(REFUSED);
});

test("knows an address from a session that was refreshed there, and forgets it after ninety days", async () => {
  await using accounts = await startAccounts({ passwords: cheapPasswords().passwords });
  await accounts.signUp();
  const { refreshToken } = await accounts.signIn();
  await accounts.refresh(refreshToken, "203.0.113.1");
  const known = async (address: string) => (await accounts.store.sessions.accountOf(ADA.email, address))?.known;
  expect([await known(HOME), await known("203.0.113.1"), await known("203.0.113.2")]).toEqual([true, true, false]);

  await accounts.store.sessions.deleteExpired(accounts.now().getTime() + 90 * 86_400_000);

  expect([await known(HOME), await known("203.0.113.1")]).toEqual([false, false]);
});

test("remembers twenty addresses of a user, the newest, and fifty sessions", async () => {
  await using accounts = await startAccounts({ passwords: cheapPasswords().passwords });
  await accounts.signUp();
  const sessions: string[] = [];
  for (let i = 0; i < 51; i++) {
    accounts.pass(1_000);
    sessions.push((await accounts.signIn({ clientAddress: `198.51.100.${i}` })).refreshToken);
  }

  const known = async (i: number) => (await accounts.store.sessions.accountOf(ADA.email, `198.51.100.${i}`))?.known;
  expect([await known(30), await known(31), await known(50)]).toEqual([false, true, true]);
  await expect(accounts.refresh(String(sessions[0]))).rejects.toMatchObject({ reason: "INVALID_REFRESH_TOKEN" });
  await expect(accounts.refresh(String(sessions[1]))).resolves.toBeDefined();
});
