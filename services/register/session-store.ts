import type { Kysely, Transaction } from "kysely";
import type { Schema, UserRow } from "./schema.ts";
import {
  type Account,
  GRACE_MS,
  MOST_REFRESHES,
  type NewSession,
  REFRESH_TOKEN_MS,
  REFRESHES_MS,
  SESSION_MS,
  type SessionStore,
} from "./session.ts";
import { emailKey } from "./user.ts";
import { userOf } from "./user-row.ts";

/** As many devices as anybody has; the oldest sessions make room for new ones. */
const MOST_SESSIONS = 50;
const MOST_KNOWN_ADDRESSES = 20;
/** How long an address is known after the last sign-in or refresh from it. */
const KNOWN_MS = SESSION_MS;
/** How exactly that is known: not every refresh is worth a write. */
const SEEN_AGAIN_MS = 24 * 60 * 60_000;

/** Sessions, refresh tokens and known addresses. */
export function sessionStore(db: Kysely<Schema>): SessionStore {
  return {
    async accountOf(email, address) {
      const row = await db
        .selectFrom("users")
        .leftJoin("known_addresses", (join) =>
          join.onRef("known_addresses.user_id", "=", "users.id").on("known_addresses.address", "=", address),
        )
        .selectAll("users")
        .select("known_addresses.address as known_address")
        .where("users.email_key", "=", emailKey(email))
        .executeTakeFirst();
      return row && accountOf(row, row.known_address !== null);
    },

    async account(userId) {
      const row = await db.selectFrom("users").selectAll().where("id", "=", userId).executeTakeFirst();
      return row && accountOf(row, false);
    },

    begin(session, { checkedHash, newHash, address }) {
      return db.transaction().execute(async (transaction) => {
        if (!(await lockUser(transaction, session.userId, checkedHash, newHash ?? checkedHash))) return false;
        await addSession(transaction, session);
        await rememberAddress(transaction, session.userId, address, session.createdAtMs);
        return true;
      });
    },

    beginAnew(session, { checkedHash, newHash }) {
      return db.transaction().execute(async (transaction) => {
        if (!(await lockUser(transaction, session.userId, checkedHash, newHash))) return false;
        await transaction.deleteFrom("sessions").where("user_id", "=", session.userId).execute();
        await transaction.deleteFrom("known_addresses").where("user_id", "=", session.userId).execute();
        await addSession(transaction, session);
        return true;
      });
    },

    async refresh({ hash, next, address, nowMs }) {
      // Whoever makes tokens up, or comes too often, must not keep others from writing.
      const asked = await tokenWithUser(db, hash);
      if (asked === undefined) return { outcome: "unknown" };
      if (asked.spent_at_ms === null && (await isTooOften(db, asked.session_id, nowMs))) return { outcome: "limited" };
      return db.transaction().execute(async (transaction) => {
        // Of two at the same moment, the second waits here and finds the token spent.
        const spent = await transaction
          .updateTable("refresh_tokens")
          .set({ spent_at_ms: nowMs, next_nonce: next.nonce })
          .where("hash", "=", hash)
          .where("spent_at_ms", "is", null)
          .where("expires_at_ms", ">", nowMs)
          .returning("session_id")
          .executeTakeFirst();
        const token = await tokenWithUser(transaction, hash);
        if (token === undefined || token.expires_at_ms <= nowMs) return { outcome: "unknown" };
        const { session_id: sessionId, user_id: userId } = token;
        const found = { sessionId, user: userOf(token), administrator: token.administrator === 1 };
        if (spent === undefined) {
          const { next_nonce: nonce, spent_at_ms: spentAtMs } = token;
          if (nonce !== null && nowMs - Number(spentAtMs) <= GRACE_MS) {
            return { outcome: "again", ...found, nonce, expiresAtMs: token.session_expires_at_ms };
          }
          await transaction.deleteFrom("sessions").where("id", "=", sessionId).execute();
          return { outcome: "reused", sessionId, userId };
        }
        const expiresAtMs = Math.min(nowMs + REFRESH_TOKEN_MS, token.session_created_at_ms + SESSION_MS);
        // Whoever has used this token has got it: the one before it gets it no more.
        await transaction
          .updateTable("refresh_tokens")
          .set({ next_nonce: null })
          .where("session_id", "=", sessionId)
          .where("hash", "<>", hash)
          .where("next_nonce", "is not", null)
          .execute();
        await transaction
          .insertInto("refresh_tokens")
          .values(tokenRow(sessionId, { hash: next.hash, expiresAtMs }))
          .execute();
        await transaction.updateTable("sessions").set({ expires_at_ms: expiresAtMs }).where("id", "=", sessionId).execute();
        await rememberAddress(transaction, userId, address, nowMs);
        return { outcome: "refreshed", ...found, nonce: next.nonce, expiresAtMs };
      });
    },

    async end(hash) {
      await db
        .deleteFrom("sessions")
        .where("id", "in", (tokens) => tokens.selectFrom("refresh_tokens").select("session_id").where("hash", "=", hash))
        .execute();
    },

    async setAdministrator(userId, administrator) {
      const { numUpdatedRows } = await db
        .updateTable("users")
        .set({ administrator: administrator ? 1 : 0 })
        .where("id", "=", userId)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async deleteExpired(nowMs) {
      await db.deleteFrom("sessions").where("expires_at_ms", "<=", nowMs).execute();
      await db.deleteFrom("refresh_tokens").where("expires_at_ms", "<=", nowMs).execute();
      await db
        .deleteFrom("known_addresses")
        .where("seen_at_ms", "<=", nowMs - KNOWN_MS)
        .execute();
    },
  };
}

/**
 * Keeps others from changing the password, or deleting the user, until the transaction is over.
 *
 * @returns whether the user still has the password that was checked.
 */
async function lockUser(transaction: Transaction<Schema>, id: string, checkedHash: string, newHash: string): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable("users")
    .set({ password_hash: newHash })
    .where("id", "=", id)
    .where("password_hash", "=", checkedHash)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

async function addSession(
  transaction: Transaction<Schema>,
  { id, userId, createdAtMs, refreshToken }: NewSession,
): Promise<void> {
  const row = { id, user_id: userId, created_at_ms: createdAtMs, expires_at_ms: refreshToken.expiresAtMs };
  await transaction.insertInto("sessions").values(row).execute();
  await transaction.insertInto("refresh_tokens").values(tokenRow(id, refreshToken)).execute();
  const newest = transaction
    .selectFrom("sessions")
    .select("id")
    .where("user_id", "=", userId)
    .orderBy("created_at_ms", "desc")
    .orderBy("id", "desc")
    .limit(MOST_SESSIONS);
  await transaction
    .deleteFrom("sessions")
    .where("user_id", "=", userId)
    .where("id", "<>", id)
    .where("id", "not in", newest)
    .execute();
}

async function rememberAddress(transaction: Transaction<Schema>, userId: string, address: string, nowMs: number): Promise<void> {
  const { numInsertedOrUpdatedRows = 0n } = await transaction
    .insertInto("known_addresses")
    .values({ user_id: userId, address, seen_at_ms: nowMs })
    .onConflict((conflict) =>
      conflict
        .columns(["user_id", "address"])
        .doUpdateSet({ seen_at_ms: nowMs })
        .where("known_addresses.seen_at_ms", "<", nowMs - SEEN_AGAIN_MS),
    )
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 0n) return;
  const newest = transaction
    .selectFrom("known_addresses")
    .select("address")
    .where("user_id", "=", userId)
    .orderBy("seen_at_ms", "desc")
    .limit(MOST_KNOWN_ADDRESSES);
  await transaction
    .deleteFrom("known_addresses")
    .where("user_id", "=", userId)
    .where("address", "<>", address)
    .where("address", "not in", newest)
    .execute();
}

function tokenWithUser(db: Kysely<Schema>, hash: string) {
  return db
    .selectFrom("refresh_tokens")
    .innerJoin("sessions", "sessions.id", "refresh_tokens.session_id")
    .innerJoin("users", "users.id", "sessions.user_id")
    .selectAll("users")
    .select([
      "refresh_tokens.session_id",
      "refresh_tokens.expires_at_ms",
      "refresh_tokens.spent_at_ms",
      "refresh_tokens.next_nonce",
      "sessions.user_id",
      "sessions.created_at_ms as session_created_at_ms",
      "sessions.expires_at_ms as session_expires_at_ms",
    ])
    .where("refresh_tokens.hash", "=", hash)
    .executeTakeFirst();
}

async function isTooOften(db: Kysely<Schema>, sessionId: string, nowMs: number): Promise<boolean> {
  const { count } = await db
    .selectFrom("refresh_tokens")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("session_id", "=", sessionId)
    .where("spent_at_ms", ">", nowMs - REFRESHES_MS)
    .executeTakeFirstOrThrow();
  return Number(count) >= MOST_REFRESHES;
}

function tokenRow(sessionId: string, { hash, expiresAtMs }: NewSession["refreshToken"]): Schema["refresh_tokens"] {
  return { hash, session_id: sessionId, expires_at_ms: expiresAtMs, spent_at_ms: null, next_nonce: null };
}

function accountOf(row: UserRow, known: boolean): Account {
  const { password_hash: hash, administrator } = row;
  return { user: userOf(row), passwordHash: hash ?? undefined, administrator: administrator === 1, known };
}
