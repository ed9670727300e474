import type { Selectable } from "kysely";
import { type Database, isUniqueViolation, openDatabase } from "../../runtime/database.ts";
import type { Logger } from "../../runtime/logger.ts";
import { users } from "./migrations/0001-users.ts";
import type { User, UserStore } from "./user.ts";

interface UserRow {
  id: string;
  email: string;
  email_key: string;
  name: string;
  language: string;
  country: string;
  password_hash: string | null;
  created_at_ms: number;
}

interface Schema {
  user_ids: { id: string };
  users: UserRow;
}

export type RegisterStore = UserStore & Pick<Database<Schema>, "check" | "close">;

/** Opens the accounts at `url` and brings their schema up to date. */
export async function openRegisterStore(url: string, logger: Logger): Promise<RegisterStore> {
  const { db, check, close } = await openDatabase<Schema>({ url, logger, migrations: { "0001-users": users } });
  return {
    check,
    close,

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
      return userOf(await db.selectFrom("users").selectAll().where("email_key", "=", keyOf(email)).executeTakeFirst());
    },

    async update(id, changes) {
      const { email, name, language, country } = changes;
      // Kysely leaves out what is undefined. The id keeps the list from being empty.
      const values = { id, email, email_key: email === undefined ? undefined : keyOf(email), name, language, country };
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
      const { numDeletedRows } = await db.deleteFrom("users").where("id", "=", id).executeTakeFirst();
      return numDeletedRows > 0n;
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

function keyOf(email: string): string {
  return email.toLowerCase();
}

function rowOf(user: User, passwordHash: string | undefined): UserRow {
  const { id, email, name, language, country } = user;
  return {
    ...{ id, email, name, language, country },
    email_key: keyOf(email),
    password_hash: passwordHash ?? null,
    created_at_ms: user.createdAt.getTime(),
  };
}

function userOf(row: Selectable<UserRow>): User;
function userOf(row: Selectable<UserRow> | undefined): User | undefined;
function userOf(row: Selectable<UserRow> | undefined): User | undefined {
  if (row === undefined) return undefined;
  const { id, email, name, language, country } = row;
  return { id, email, name, language, country, createdAt: new Date(row.created_at_ms) };
}

function withoutUndefined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
