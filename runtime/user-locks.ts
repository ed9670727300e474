import type { Kysely, Transaction } from "kysely";
import type { Migration } from "kysely/migration";
import { Failure } from "./errors.ts";

/** The table of a service that keeps things of users. */
export interface UserLockSchema {
  /** One row for each user who has, or had, something here. `is_deleted` is 0 or 1. */
  user_locks: { user_id: string; is_deleted: number };
}

export const userLockTables: Migration = {
  async up(db) {
    // Rows of deleted users stay: what comes late, from an older event or an access token, must find them.
    await db.schema
      .createTable("user_locks")
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("is_deleted", "integer", (column) => column.notNull())
      .addPrimaryKeyConstraint("user_locks_user_id_primary", ["user_id"])
      .execute();
  },
};

/** A transaction of a store that has the table, among others. */
// biome-ignore lint/suspicious/noExplicitAny: the schema of a service has more tables than this one, and Kysely's types are invariant.
type AnyTransaction = Transaction<any>;

/**
 * Takes the lock on what a user has here until the transaction ends. Call it
 * before anything of the user is written, and first if that may be: SQLite lets
 * nobody wait who has begun to read.
 *
 * @returns false if the user was deleted: then nothing may be written.
 */
export async function lockUser(transaction: AnyTransaction, userId: string): Promise<boolean> {
  return (await lockUsers(transaction, [userId])).has(userId);
}

/** Takes the locks of several. @returns those who were not deleted. */
export async function lockUsers(transaction: AnyTransaction, userIds: readonly string[]): Promise<ReadonlySet<string>> {
  // In an order, so that no two of these wait for each other.
  const rows = [...new Set(userIds)].toSorted().map((user_id) => ({ user_id, is_deleted: 0 }));
  const locked = await (transaction as Transaction<UserLockSchema>)
    .insertInto("user_locks")
    .values(rows)
    .onConflict((conflict) => conflict.column("user_id").doUpdateSet(({ ref }) => ({ user_id: ref("excluded.user_id") })))
    .returning(["user_id", "is_deleted"])
    .execute();
  return new Set(locked.filter(({ is_deleted: deleted }) => deleted === 0).map(({ user_id: userId }) => userId));
}

/** The same. @throws Failure "not-found" if the user was deleted. */
export async function lockKnownUser(transaction: AnyTransaction, userId: string): Promise<void> {
  if (!(await lockUser(transaction, userId))) throw userDeleted();
}

/**
 * Takes the lock, and notes that the user is deleted: what others have begun to
 * write is there to be removed by then, and from then on nobody writes more.
 */
export async function lockDeletedUser(transaction: AnyTransaction, userId: string): Promise<void> {
  // What is nobody's, as the samples of books, would be removed.
  if (userId === "") throw new Error("the event does not say which user was deleted");
  await (transaction as Transaction<UserLockSchema>)
    .insertInto("user_locks")
    .values({ user_id: userId, is_deleted: 1 })
    .onConflict((conflict) => conflict.column("user_id").doUpdateSet({ is_deleted: 1 }))
    .execute();
}

/** Whether a user was deleted. */
export async function isUserDeleted(db: Kysely<UserLockSchema>, userId: string): Promise<boolean> {
  const row = await db
    .selectFrom("user_locks")
    .select("user_id")
    .where("user_id", "=", userId)
    .where("is_deleted", "=", 1)
    .executeTakeFirst();
  return row !== undefined;
}

export function userDeleted(): Failure {
  return new Failure("not-found", "not registered.", { reason: "USER_NOT_REGISTERED" });
}
