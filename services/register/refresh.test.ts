import { Status } from "nice-grpc";
import { cheapPasswords, HOME, rowsOf, startAccounts } from "./testing-register.ts";

const DAY = 86_400_000;
const ENDED = {
  code: Status.UNAUTHENTICATED,
  details: "the session has ended; sign in again",
  reason: "INVALID_REFRESH_TOKEN",
};
const REUSED = "a spent refresh token came again: its session has been ended";

async function startSignedIn() {
  const accounts = await startAccounts({ passwords: cheapPasswords().passwords });
  const id = await accounts.signUp();
  return { ...accounts, id, session: await accounts.signIn() };
}

test("gives new tokens for a refresh token, and the same user", async () => {
  await using accounts = await startSignedIn();
  accounts.pass(14 * 60_000);

  const next = await accounts.refresh(accounts.session.refreshToken);

  expect(next.user).toEqual(accounts.session.user);
  expect(next.refreshToken).not.toBe(accounts.session.refreshToken);
  expect(next.accessToken).not.toBe(accounts.session.accessToken);
  expect(next.accessTokenExpireTime).toEqual(new Date(accounts.now().getTime() + 15 * 60_000));
  expect(next.refreshTokenExpireTime).toEqual(new Date(accounts.now().getTime() + 30 * DAY));
  await expect(accounts.withToken(next.accessToken).users.getUser({ userId: accounts.id })).resolves.toBeDefined();
});

test("ends the whole session when a spent token comes again", async () => {
  await using accounts = await startSignedIn();
  const stolen = accounts.session.refreshToken;
  const second = await accounts.refresh(stolen);
  const third = await accounts.refresh(second.refreshToken);
  const other = await accounts.signIn();

  await expect(accounts.refresh(stolen)).rejects.toMatchObject(ENDED);

  await expect(accounts.refresh(third.refreshToken)).rejects.toMatchObject(ENDED);
  await expect(accounts.refresh(other.refreshToken)).resolves.toBeDefined();
  expect(accounts.logs.with({ msg: REUSED })).toMatchObject([{ user: accounts.id, session: expect.any(String) }]);
});

test("gives the same next token again for thirty seconds, to whoever lost the answer", async () => {
  await using accounts = await startSignedIn();
  const first = await accounts.refresh(accounts.session.refreshToken);

  accounts.pass(30_000);
  const again = await accounts.refresh(accounts.session.refreshToken);

  expect(again.refreshToken).toBe(first.refreshToken);
  expect(again.refreshTokenExpireTime).toEqual(first.refreshTokenExpireTime);
  accounts.pass(1);
  await expect(accounts.refresh(accounts.session.refreshToken)).rejects.toMatchObject(ENDED);
  await expect(accounts.refresh(first.refreshToken)).rejects.toMatchObject(ENDED);
});

test("gives a thief no session beside the user's: of both who have the same next token, the second ends it", async () => {
  await using accounts = await startSignedIn();
  const users = await accounts.refresh(accounts.session.refreshToken);
  const thiefs = await accounts.refresh(accounts.session.refreshToken);
  await accounts.refresh(users.refreshToken);
  accounts.pass(30_001);

  await expect(accounts.refresh(thiefs.refreshToken)).rejects.toMatchObject(ENDED);
});

test("gives no next token again once that one has been used, not even within thirty seconds", async () => {
  await using accounts = await startSignedIn();
  const next = await accounts.refresh(accounts.session.refreshToken);
  const last = await accounts.refresh(next.refreshToken);

  await expect(accounts.refresh(accounts.session.refreshToken)).rejects.toMatchObject(ENDED);
  await expect(accounts.refresh(last.refreshToken)).rejects.toMatchObject(ENDED);
});

test("gives the same next token to many who ask at the same moment", async () => {
  await using accounts = await startSignedIn();

  const all = await Promise.all(Array.from({ length: 20 }, () => accounts.refresh(accounts.session.refreshToken)));

  const tokens = new Set(all.map(({ refreshToken }) => refreshToken));
  expect(tokens.size).toBe(1);
  await expect(accounts.refresh([...tokens].join())).resolves.toBeDefined();
});

test("gives the same next token when two replicas are asked at the same moment", async () => {
  await using one = await startSignedIn();
  await using other = await startAccounts({ url: one.url, passwords: cheapPasswords().passwords });
  let { refreshToken } = one.session;

  for (let i = 0; i < 10; i++) {
    const [first, second] = await Promise.all([one.refresh(refreshToken), other.refresh(refreshToken)]);
    expect(second?.refreshToken).toBe(first?.refreshToken);
    refreshToken = String(first?.refreshToken);
  }
});

test("refreshes a session twenty times in a quarter of an hour, and goes on with the same token then", async () => {
  await using accounts = await startSignedIn();
  let { refreshToken } = accounts.session;
  for (let i = 0; i < 20; i++) ({ refreshToken } = await accounts.refresh(refreshToken));

  await expect(accounts.refresh(refreshToken)).rejects.toMatchObject({
    code: Status.RESOURCE_EXHAUSTED,
    reason: "TOO_MANY_ATTEMPTS",
    retryAfterMs: 60_000,
  });
  accounts.pass(15 * 60_000);
  await expect(accounts.refresh(refreshToken)).resolves.toBeDefined();
});

test("takes a token for thirty days", async () => {
  await using accounts = await startSignedIn();

  accounts.pass(30 * DAY - 1);
  const next = await accounts.refresh(accounts.session.refreshToken);
  accounts.pass(30 * DAY);

  await expect(accounts.refresh(next.refreshToken)).rejects.toMatchObject(ENDED);
  // It has expired; nobody has misused it.
  expect(accounts.logs.with({ msg: REUSED })).toEqual([]);
});

test("ends a session ninety days after the sign-in, however often it was refreshed", async () => {
  await using accounts = await startSignedIn();
  let { session } = accounts;
  const signedInAt = accounts.now().getTime();
  for (let i = 0; i < 4; i++) {
    accounts.pass(20 * DAY);
    session = await accounts.refresh(session.refreshToken);
  }

  expect(session.refreshTokenExpireTime).toEqual(new Date(signedInAt + 90 * DAY));
  accounts.pass(10 * DAY - 1);
  session = await accounts.refresh(session.refreshToken);
  accounts.pass(1);
  await expect(accounts.refresh(session.refreshToken)).rejects.toMatchObject(ENDED);
});

test.each(["", "x", "a".repeat(43), "' OR 1=1 --", "a".repeat(129)])("refuses the token %j", async (refreshToken) => {
  await using accounts = await startSignedIn();

  const code = refreshToken === "" || refreshToken.length > 128 ? Status.INVALID_ARGUMENT : Status.UNAUTHENTICATED;
  await expect(accounts.refresh(refreshToken)).rejects.toMatchObject({ code });
  await expect(accounts.refresh(accounts.session.refreshToken)).resolves.toBeDefined();
});

test("takes no access token for a refresh token, and no hash of one", async () => {
  await using accounts = await startSignedIn();
  const rows = await rowsOf(accounts, "refresh_tokens");

  for (const token of [String(rows[0]?.hash), accounts.session.accessToken.slice(0, 128)]) {
    await expect(accounts.refresh(token)).rejects.toMatchObject(ENDED);
  }
});

test("ends a session at sign-out, once and for all, and no other", async () => {
  await using accounts = await startSignedIn();
  const other = await accounts.signIn();

  for (let i = 0; i < 2; i++) await accounts.sessions.signOut({ refreshToken: accounts.session.refreshToken });

  await expect(accounts.refresh(accounts.session.refreshToken)).rejects.toMatchObject(ENDED);
  await expect(accounts.refresh(other.refreshToken)).resolves.toBeDefined();
  await expect(accounts.sessions.signOut({ refreshToken: "nobody's" })).resolves.toEqual({});
});

test("ends a session at sign-out with a token that was spent", async () => {
  await using accounts = await startSignedIn();
  const next = await accounts.refresh(accounts.session.refreshToken);

  await accounts.sessions.signOut({ refreshToken: accounts.session.refreshToken });

  await expect(accounts.refresh(next.refreshToken)).rejects.toMatchObject(ENDED);
});

test("ends all sessions of a user who is deleted", async () => {
  await using accounts = await startSignedIn();
  const other = await accounts.signIn();

  await accounts.client.deleteUser({ userId: accounts.id });

  for (const { refreshToken } of [accounts.session, other])
    await expect(accounts.refresh(refreshToken)).rejects.toMatchObject(ENDED);
  for (const table of ["sessions", "refresh_tokens", "known_addresses"] as const)
    expect(await rowsOf(accounts, table)).toEqual([]);
});

test("keeps nothing of sessions that are over", async () => {
  await using accounts = await startSignedIn();
  await accounts.refresh(accounts.session.refreshToken);
  const kept = await accounts.signIn({ clientAddress: "203.0.113.1" });
  accounts.pass(20 * DAY);
  await accounts.refresh(kept.refreshToken, HOME);
  accounts.pass(10 * DAY);

  await accounts.store.sessions.deleteExpired(accounts.now().getTime());

  expect(await rowsOf(accounts, "sessions")).toHaveLength(1);
  expect(await rowsOf(accounts, "refresh_tokens")).toHaveLength(1);
});
