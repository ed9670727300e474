import { Status } from "nice-grpc";
import { ADA, cheapPasswords, GRACE, HOME, heldPasswords, PASSWORD, startAccounts } from "./testing-register.ts";

const NEW = "a better one than that";
const WRONG = { code: Status.PERMISSION_DENIED, details: "the current password is another one", reason: "WRONG_PASSWORD" };

async function startSignedIn(options: Parameters<typeof startAccounts>[0] = { passwords: cheapPasswords().passwords }) {
  const accounts = await startAccounts(options);
  const userId = await accounts.signUp();
  const session = await accounts.signIn();
  return {
    ...{ ...accounts, userId, session },
    change: (request: object = {}, token = session.accessToken) =>
      accounts.withToken(token).sessions.changePassword({ userId, currentPassword: PASSWORD, newPassword: NEW, ...request }),
  };
}

test("changes the password, ends every session, and begins a new one", async () => {
  await using accounts = await startSignedIn();
  const other = await accounts.signIn();

  const { session } = await accounts.change();

  for (const { refreshToken } of [accounts.session, other]) {
    await expect(accounts.refresh(refreshToken)).rejects.toMatchObject({ reason: "INVALID_REFRESH_TOKEN" });
  }
  await expect(accounts.refresh(String(session?.refreshToken))).resolves.toMatchObject({ user: ADA });
  await expect(accounts.signIn()).rejects.toMatchObject({ reason: "INVALID_CREDENTIALS" });
  await expect(accounts.signIn({ password: NEW })).resolves.toBeDefined();
});

test("changes nothing without the current password, ten times in a quarter of an hour", async () => {
  await using accounts = await startSignedIn();

  for (let i = 0; i < 10; i++) await expect(accounts.change({ currentPassword: "wrong" })).rejects.toMatchObject(WRONG);
  await expect(accounts.change()).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED, reason: "TOO_MANY_ATTEMPTS" });
  // Whoever has stolen an access token keeps the user neither from signing in nor, for long, from changing the password.
  await expect(accounts.signIn()).resolves.toBeDefined();
  accounts.pass(90_000);
  await expect(accounts.change({}, (await accounts.signIn()).accessToken)).resolves.toBeDefined();
});

test("says the same, after one comparison, of an account without a password", async () => {
  const { passwords, compared } = cheapPasswords();
  await using accounts = await startSignedIn({ passwords });
  const userId = await accounts.signUp(GRACE);
  compared.length = 0;

  await expect(accounts.change({ userId }, accounts.users.tokenOf(userId))).rejects.toMatchObject(WRONG);
  expect(compared).toHaveLength(1);
});

test("changes the password of nobody but who is signed in", async () => {
  await using accounts = await startSignedIn();
  const stranger = accounts.users.tokenOf("7000000");

  await expect(accounts.change({}, stranger)).rejects.toMatchObject({ code: Status.NOT_FOUND, reason: "USER_NOT_FOUND" });
  await expect(accounts.change({ userId: "7000000" }, stranger)).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    reason: "USER_NOT_FOUND",
  });
  await expect(accounts.change({}, "")).rejects.toMatchObject({ code: Status.UNAUTHENTICATED });
  await expect(accounts.signIn()).resolves.toBeDefined();
});

test.each([
  ["too short", "seven77", "must be at least 8 characters long"],
  ["too long", "x".repeat(129), "must be at most 128 characters long"],
])("refuses a new password that is %s", async (_what, newPassword, description) => {
  await using accounts = await startSignedIn();

  await expect(accounts.change({ newPassword })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "new_password", description }],
  });
});

test("of two changes at the same moment, takes one", async () => {
  await using accounts = await startSignedIn();

  const outcomes = await Promise.allSettled([
    accounts.change({ newPassword: `${NEW}, one` }),
    accounts.change({ newPassword: `${NEW}, two` }),
  ]);

  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({ reason: WRONG });
});

test("begins no session with a password that is changed while it is compared", async () => {
  const held = heldPasswords();
  await using accounts = await startSignedIn({ passwords: held.passwords, passwordsAtOnce: 2 });
  held.hold();
  const signingIn = accounts.signIn({ clientAddress: "203.0.113.1" });
  signingIn.catch(() => {});
  await held.comparing(1);
  const account = await accounts.store.sessions.account(accounts.userId);
  const session = { id: "other", userId: accounts.userId, createdAtMs: 0, refreshToken: { hash: "x", expiresAtMs: 1 } };
  const changed = { checkedHash: String(account?.passwordHash), newHash: `cheap ${NEW}` };
  expect(await accounts.store.sessions.beginAnew(session, changed)).toBe(true);

  held.release();

  await expect(signingIn).rejects.toMatchObject({ reason: "INVALID_CREDENTIALS" });
});

test("forgets where the user has signed in from: somebody else may have", async () => {
  await using accounts = await startSignedIn();

  await accounts.change();

  expect(await accounts.store.sessions.accountOf(ADA.email, HOME)).toMatchObject({ known: false });
});
