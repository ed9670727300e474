import { type Kysely, PostgresAdapter, sql } from "kysely";
import { isUserDeleted, userDeleted } from "../../runtime/user-locks.ts";
import { deliver, notificationOf } from "./delivery.ts";
import { type NotificationStore, noSubject } from "./notification.ts";
import { readPreferences } from "./preference-store.ts";
import type { Schema } from "./schema.ts";

/** @param options.emails whether e-mails are sent at all. */
export function notificationStore(db: Kysely<Schema>, options: { emails: boolean }): NotificationStore {
  return {
    async append(userId, text, createdAt, key) {
      const message = { userId, kind: "message" as const, subject: noSubject, title: "", ...text, key };
      const settings = { ...options, now: createdAt, preferences: await readPreferences(db, userId) };
      const notification = await db.transaction().execute((transaction) => deliver(transaction, message, settings));
      // A message always comes on the web.
      if (notification === undefined) throw userDeleted();
      return notification;
    },

    async list(userId, { beforeId, unreadOnly, limit }) {
      let query = db.selectFrom("notifications").selectAll().where("user_id", "=", userId).orderBy("id", "desc").limit(limit);
      if (beforeId !== undefined) query = query.where("id", "<", beforeId);
      if (unreadOnly) query = query.where("is_read", "=", 0);
      return (await query.execute()).map(notificationOf);
    },

    async listAfter(userId, afterId, limit) {
      const rows = await db
        .selectFrom("notifications")
        .selectAll()
        .where("user_id", "=", userId)
        .where("id", ">", afterId)
        .orderBy("id")
        .limit(limit)
        .execute();
      return rows.map(notificationOf);
    },

    async countUnread(userId) {
      const { unread } = await db
        .selectFrom("notifications")
        .select(({ fn }) => fn.countAll<number>().as("unread"))
        .where("user_id", "=", userId)
        .where("is_read", "=", 0)
        .executeTakeFirstOrThrow();
      return unread;
    },

    markRead(userId, ids) {
      const wanted = [...new Set(ids)];
      return db
        .transaction()
        .execute(async (transaction) => {
          const { numUpdatedRows } = await transaction
            .updateTable("notifications")
            .set({ is_read: 1 })
            .where("user_id", "=", userId)
            .where("id", "in", wanted)
            .executeTakeFirst();
          if (Number(numUpdatedRows) === wanted.length) return true;
          throw new SomeNotFound();
        })
        .catch((error: unknown) => {
          if (error instanceof SomeNotFound) return false;
          throw error;
        });
    },

    async lastIds(userIds) {
      const deleted = db
        .selectFrom("user_locks")
        .select(["user_id", sql<number>`-1`.as("last_id")])
        .where("is_deleted", "=", 1);
      const rows = await db
        .selectFrom("inboxes")
        .select(["user_id", "last_id"])
        .where("user_id", "in", listed(db, userIds))
        .unionAll(deleted.where("user_id", "in", listed(db, userIds)))
        .execute();
      return new Map(rows.map(({ user_id, last_id }) => [user_id, last_id]));
    },

    isDeleted: (userId) => isUserDeleted(db, userId),
  };
}

/** Ten thousand users in one parameter: as many parameters would take longer to prepare than to look for. */
function listed(db: Kysely<Schema>, userIds: readonly string[]) {
  const json = JSON.stringify(userIds);
  return db.getExecutor().adapter instanceof PostgresAdapter
    ? sql<string>`(select json_array_elements_text(${json}::json))`
    : sql<string>`(select value from json_each(${json}))`;
}

/** Rolls a transaction back. */
class SomeNotFound extends Error {}
