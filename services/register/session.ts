import { randomUUID } from "node:crypto";
import { Failure, invalidField } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { ExpiringToken, TokenSubject } from "./access-token.ts";
import type { Attempt, AttemptLimits } from "./attempts.ts";
import { clientKey } from "./client-address.ts";
import type { HashQueue } from "./hash-queue.ts";
import type { Passwords } from "./password.ts";
import { nextToken, randomToken, tokenHash } from "./refresh-token.ts";
import { emailKey, type User, unknownUser } from "./user.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** How long a refresh token is good for. */
export const REFRESH_TOKEN_MS = 30 * DAY;
/** How long a session lasts at most. */
export const SESSION_MS = 90 * DAY;
/** How long a spent refresh token gets its successor again: see RefreshSession in the contract. */
export const GRACE_MS = 30_000;

/** How often a session may be refreshed within REFRESHES_MS: each time is a row that is kept for a month. */
export const MOST_REFRESHES = 20;
export const REFRESHES_MS = 15 * MINUTE;

/** A user, and what is kept about signing in. */
export interface Account {
  user: User;
  /** Undefined if the user has no password. */
  passwordHash: string | undefined;
  administrator: boolean;
  /** Whether the user has signed in from the address that was asked about. */
  known: boolean;
}

/** What a session begins with. */
export interface NewSession {
  id: string;
  userId: string;
  createdAtMs: number;
  refreshToken: StoredToken;
}

export interface StoredToken {
  hash: string;
  expiresAtMs: number;
}

/** What came of a refresh token. */
export type Refreshed =
  | { outcome: "refreshed" | "again"; sessionId: string; user: User; administrator: boolean; nonce: string; expiresAtMs: number }
  /** The token had been spent. The session has been ended. */
  | { outcome: "reused"; sessionId: string; userId: string }
  /** The session has been refreshed too often. The token is as good as before. */
  | { outcome: "limited" }
  | { outcome: "unknown" };

export interface SessionStore {
  /** The account with this e-mail address in any case. */
  accountOf(email: string, address: string): Promise<Account | undefined>;
  account(userId: string): Promise<Account | undefined>;
  /**
   * Begins a session, and remembers its address.
   *
   * @param checkedHash the hash that the password was right for.
   * @param newHash to be stored in its place, if given.
   * @returns false, and begins none, if the user is gone or has another password by now.
   */
  begin(session: NewSession, options: { checkedHash: string; newHash: string | undefined; address: string }): Promise<boolean>;
  /** As begin(), but ends all sessions of the user before it, and forgets all addresses. */
  beginAnew(session: NewSession, options: { checkedHash: string; newHash: string }): Promise<boolean>;
  /** Spends a token and stores the next one, which expires in REFRESH_TOKEN_MS, or with its session. */
  refresh(options: { hash: string; next: { hash: string; nonce: string }; address: string; nowMs: number }): Promise<Refreshed>;
  /** Ends the session that has, or had, this token. */
  end(tokenHash: string): Promise<void>;
  setAdministrator(userId: string, administrator: boolean): Promise<boolean>;
  /** Deletes what has expired. */
  deleteExpired(nowMs: number): Promise<void>;
}

export interface SessionDeps {
  store: SessionStore;
  passwords: Passwords;
  queue: HashQueue;
  limits: AttemptLimits;
  /** What a password is compared with where there is no account: as dear as any other. */
  decoyHash: string;
  sign(subject: TokenSubject): Promise<ExpiringToken>;
  now(): Date;
  logger: Logger;
}

/** What somebody signs in with. */
export interface Credentials {
  email: string;
  password: string;
  /** The IP address of the end user. */
  clientAddress: string;
}

/** What a user who has signed in is given. */
export interface Session {
  user: User;
  accessToken: ExpiringToken;
  refreshToken: ExpiringToken;
}

/**
 * Signs a user in.
 *
 * Whatever is wrong, the way to the answer is the same: one look into the store,
 * one password compared, no difference in what is said.
 *
 * @param signal aborts when the caller is gone: a password that still waits to be compared is not compared then.
 */
export async function signIn(
  deps: SessionDeps,
  { email, password, clientAddress }: Credentials,
  signal: AbortSignal,
): Promise<Session> {
  const { store, passwords, queue, limits } = deps;
  const address = requireAddress(clientAddress);
  const account = await store.accountOf(email, address);
  const attempt = limits.begin({ account: emailKey(email), address, known: account?.known ?? false });
  const customer = { lane: address, standing: attempt.standing };
  const checkedHash = account?.passwordHash;
  const right = await attempted(attempt, () =>
    queue.run(customer, () => passwords.verify(checkedHash ?? deps.decoyHash, password), signal),
  );
  if (!right || account === undefined || checkedHash === undefined) throw invalidCredentials();
  attempt.succeeded();
  // When too many wait, the next sign-in will do for that.
  const newHash = passwords.isOutdated(checkedHash)
    ? await queue.run(customer, () => passwords.hash(password), signal).catch(() => undefined)
    : undefined;
  signal.throwIfAborted();
  const begin = newSession(account.user, deps.now());
  if (!(await store.begin(begin.session, { checkedHash, newHash, address }))) throw invalidCredentials();
  return begun(deps, account, begin);
}

/** Gives a session its next tokens. */
export async function refreshSession(
  deps: SessionDeps,
  { refreshToken, clientAddress }: { refreshToken: string; clientAddress: string },
): Promise<Session> {
  const address = requireAddress(clientAddress);
  const nonce = randomToken();
  const next = { hash: tokenHash(nextToken(refreshToken, nonce)), nonce };
  const refreshed = await deps.store.refresh({ hash: tokenHash(refreshToken), next, address, nowMs: deps.now().getTime() });
  if (refreshed.outcome === "reused") {
    const { sessionId: session, userId: user } = refreshed;
    deps.logger.warn({ session, user }, "a spent refresh token came again: its session has been ended");
  }
  if (refreshed.outcome === "limited") {
    throw new Failure("exhausted", "the session was refreshed too often", { reason: "TOO_MANY_ATTEMPTS", retryAfterMs: MINUTE });
  }
  if (refreshed.outcome === "reused" || refreshed.outcome === "unknown") {
    throw new Failure("unauthenticated", "the session has ended; sign in again", { reason: "INVALID_REFRESH_TOKEN" });
  }
  const { user, administrator, sessionId } = refreshed;
  return {
    user,
    accessToken: await deps.sign({ userId: user.id, sessionId, administrator }),
    refreshToken: { token: nextToken(refreshToken, refreshed.nonce), expiresAt: new Date(refreshed.expiresAtMs) },
  };
}

/** Ends the session of a refresh token, if it has one. */
export async function signOut({ store }: { store: Pick<SessionStore, "end"> }, refreshToken: string): Promise<void> {
  await store.end(tokenHash(refreshToken));
}

/** Changes the password, ends all sessions of the user, and begins a new one. */
export async function changePassword(
  deps: SessionDeps,
  { userId, currentPassword, newPassword }: { userId: string; currentPassword: string; newPassword: string },
  signal: AbortSignal,
): Promise<Session> {
  const { store, passwords, queue, limits } = deps;
  const account = await store.account(userId);
  if (account === undefined) throw unknownUser();
  const lane = `user ${userId}`;
  const attempt = limits.begin({ account: lane, address: lane, known: true });
  const checkedHash = account.passwordHash;
  const newHash = await attempted(attempt, () =>
    queue.run(
      { lane, standing: attempt.standing },
      async () => {
        const right = await passwords.verify(checkedHash ?? deps.decoyHash, currentPassword);
        return right ? passwords.hash(newPassword) : undefined;
      },
      signal,
    ),
  );
  if (newHash === undefined || checkedHash === undefined) throw wrongPassword();
  attempt.succeeded();
  signal.throwIfAborted();
  const begin = newSession(account.user, deps.now());
  // Somebody else has changed it meanwhile.
  if (!(await store.beginAnew(begin.session, { checkedHash, newHash }))) throw wrongPassword();
  return begun(deps, account, begin);
}

/** Makes a user an administrator, or no longer one. */
export async function setAdministrator(store: SessionStore, userId: string, administrator: boolean): Promise<void> {
  if (!(await store.setAdministrator(userId, administrator))) throw unknownUser();
}

/** Does what looks at a password; if that does not come about, the attempt does not count. */
async function attempted<T>(attempt: Attempt, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    attempt.abandoned();
    throw error;
  }
}

function newSession({ id: userId }: User, now: Date): { session: NewSession; refreshToken: ExpiringToken } {
  const token = randomToken();
  const expiresAt = new Date(now.getTime() + REFRESH_TOKEN_MS);
  const stored = { hash: tokenHash(token), expiresAtMs: expiresAt.getTime() };
  const session = { id: randomUUID(), userId, createdAtMs: now.getTime(), refreshToken: stored };
  return { session, refreshToken: { token, expiresAt } };
}

async function begun(
  deps: SessionDeps,
  { user, administrator }: Account,
  { session, refreshToken }: ReturnType<typeof newSession>,
): Promise<Session> {
  return { user, accessToken: await deps.sign({ userId: user.id, sessionId: session.id, administrator }), refreshToken };
}

function requireAddress(clientAddress: string): string {
  const address = clientKey(clientAddress);
  if (address === undefined) throw invalidField("client_address", "must be an IP address");
  return address;
}

function invalidCredentials(): Failure {
  return new Failure("unauthenticated", "e-mail address and password do not belong together", { reason: "INVALID_CREDENTIALS" });
}

function wrongPassword(): Failure {
  return new Failure("denied", "the current password is another one", { reason: "WRONG_PASSWORD" });
}
