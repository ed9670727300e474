import type { Kysely } from "kysely";
import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import { type Database, isUniqueViolation, openDatabase } from "../../runtime/database.ts";
import { EventLog, eventLogTables } from "../../runtime/events/event-log.ts";
import type { Logger } from "../../runtime/logger.ts";
import { users } from "./migrations/0001-users.ts";
import { sessions } from "./migrations/0002-sessions.ts";
import { earlierDeletions } from "./migrations/0004-earlier-deletions.ts";
import type { Schema } from "./schema.ts";
import type { SessionStore } from "./session.ts";
import { sessionStore } from "./session-store.ts";
import { signingKeyStore } from "./signing-key-store.ts";
import type { SigningKeyStore } from "./signing-keys.ts";
import { emailKey, type UserStore } from "./user.ts";
import { rowOf, userOf } from "./user-row.ts";

export interface RegisterStore extends UserStore, Pick<Database<Schema>, "check" | "close"> {
  readonly sessions: SessionStore;
  readonly signingKeys: SigningKeyStore;
  /** Who was deleted, for those who keep something of them. */
  readonly log: EventLog;
}

/** The schema, in the order in which it came about. */
export const migrations = {
  "0001-users": users,
  "0002-sessions": sessions,
  "0003-event-log": eventLogTables,
  "0004-earlier-deletions": earlierDeletions,
};

/** Opens the accounts at `url` and brings their schema up to date. */
export async function openRegisterStore(url: string, logger: Logger): Promise<RegisterStore> {
  const { db, check, close } = await openDatabase<Schema>({ url, logger, migrations });
  const log = new EventLog(db, { source: "register" });
  return { check, close, log, ...userStore(db, log), sessions: sessionStore(db), signingKeys: signingKeyStore(db) };
}

function userStore(db: Kysely<Schema>, log: EventLog): UserStore {
  return {
    async add(user, passwordHash) {
      try {
        await db.transaction().execute(async (transaction) => {
          await transaction.insertInto("user_ids").values({ id: user.id }).execute();
          await transaction.insertInto("users").values(rowOf(user, passwordHash)).execute();
        });
        return "added";
      } catch (error) {
        if (isUniqueViolation(error, "email_key")) return "email taken";
        if (isUniqueViolation(error, "id")) return "id taken";
        throw error;
      }
    },

    async get(id) {
      return userOf(await db.selectFrom("users").selectAll().where("id", "=", id).executeTakeFirst());
    },

    async getByEmail(email) {
      return userOf(await db.selectFrom("users").selectAll().where("email_key", "=", emailKey(email)).executeTakeFirst());
    },

    async update(id, changes) {
      const { email, name, language, country } = changes;
      // Kysely leaves out what is undefined. The id keeps the list from being empty.
      const values = { id, email, email_key: email === undefined ? undefined : emailKey(email), name, language, country };
      try {
        const row = await db
          .updateTable("users")
          .set(withoutUndefined(values))
          .where("id", "=", id)
          .returningAll()
          .executeTakeFirst();
        return userOf(row);
      } catch (error) {
        if (isUniqueViolation(error, "email_key")) return "email taken";
        throw error;
      }
    },

    async delete(id) {
      const deleted = await db.transaction().execute(async (transaction) => {
        const { numDeletedRows } = await transaction.deleteFrom("users").where("id", "=", id).executeTakeFirst();
        if (numDeletedRows === 0n) return false;
        await log.append(transaction, UserDeleted, { subject: `users/${id}`, data: { userId: id } });
        return true;
      });
      log.wake();
      return deleted;
    },

    async list(after, limit) {
      let query = db.selectFrom("users").selectAll().orderBy("created_at_ms").orderBy("id").limit(limit);
      if (after !== undefined) {
        query = query.where((where) =>
          where.or([
            where("created_at_ms", ">", after.createdAtMs),
            where.and([where("created_at_ms", "=", after.createdAtMs), where("id", ">", after.id)]),
          ]),
        );
      }
      return (await query.execute()).map((row) => userOf(row));
    },
  };
}

function withoutUndefined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
