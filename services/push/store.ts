import type { Selectable } from "kysely";
import { type Database, openDatabase } from "../../runtime/database.ts";
import type { Logger } from "../../runtime/logger.ts";
import { notifications } from "./migrations/0001-notifications.ts";
import type { Notification, NotificationStore } from "./notification.ts";

interface NotificationRow {
  user_id: string;
  id: number;
  content: string;
  language: string;
  created_at_ms: number;
  is_read: number;
}

interface Schema {
  inboxes: { user_id: string; last_id: number };
  notifications: NotificationRow;
}

/** SQLite takes 32,766 parameters in a query, PostgreSQL 65,535. */
const USERS_A_QUERY = 5_000;

export type PushStore = NotificationStore & Pick<Database<Schema>, "check" | "close">;

/** Opens the Notifications at `url` and brings their schema up to date. */
export async function openPushStore(url: string, logger: Logger): Promise<PushStore> {
  const migrations = { "0001-notifications": notifications };
  const { db, check, close } = await openDatabase<Schema>({ url, logger, migrations });
  return {
    check,
    close,

    append(userId, { content, language }, createdAt) {
      return db.transaction().execute(async (transaction) => {
        // Takes the lock on the user's inbox first: a later id is never seen before an earlier one.
        const { last_id: id } = await transaction
          .insertInto("inboxes")
          .values({ user_id: userId, last_id: 1 })
          .onConflict((conflict) =>
            conflict.column("user_id").doUpdateSet((update) => ({ last_id: update("inboxes.last_id", "+", 1) })),
          )
          .returning("last_id")
          .executeTakeFirstOrThrow();
        const row = { user_id: userId, id, content, language, created_at_ms: createdAt.getTime(), is_read: 0 };
        await transaction.insertInto("notifications").values(row).execute();
        return notificationOf(row);
      });
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
      const found = new Map<string, number>();
      for (let start = 0; start < userIds.length; start += USERS_A_QUERY) {
        const some = userIds.slice(start, start + USERS_A_QUERY);
        const rows = await db.selectFrom("inboxes").selectAll().where("user_id", "in", some).execute();
        for (const row of rows) found.set(row.user_id, row.last_id);
      }
      return found;
    },
  };
}

/** Rolls a transaction back. */
class SomeNotFound extends Error {}

function notificationOf(row: Selectable<NotificationRow>): Notification {
  const { id, content, language } = row;
  return { userId: row.user_id, id, content, language, createdAt: new Date(row.created_at_ms), read: row.is_read === 1 };
}
