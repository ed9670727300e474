import { randomUUID } from "node:crypto";
import type { Kysely, Selectable, Transaction } from "kysely";
import { lockUser } from "../../runtime/user-locks.ts";
import type { Delivery, Notification } from "./notification.ts";
import { isWanted, type Preferences } from "./preferences.ts";
import { quietUntil } from "./quiet-hours.ts";
import type { NotificationRow, Schema } from "./schema.ts";

const FORGOTTEN_AT_ONCE = 1_000;

export interface DeliveryOptions {
  now: Date;
  /** The user's, read before: a transaction that begins with reading may have to be given up on SQLite. */
  preferences: Preferences;
  /** Whether e-mails are sent at all. */
  emails: boolean;
}

/**
 * Delivers something to a user in every way that the user wants, within a
 * transaction: a Notification, and an e-mail to be sent.
 *
 * @returns the Notification, also if it was delivered before under the same
 * key; undefined if the user does not want it on the web, or is deleted.
 */
export async function deliver(
  transaction: Transaction<Schema>,
  delivery: Delivery,
  options: DeliveryOptions,
): Promise<Notification | undefined> {
  const { userId, key, kind } = delivery;
  if (!(await lockUser(transaction, userId))) return undefined;
  if (key !== undefined && !(await takeKey(transaction, userId, key, options.now)))
    return deliveredBefore(transaction, userId, key);
  const { preferences } = options;
  const quiet = quietUntil(preferences.quietHours, options.now) !== undefined;
  const onWeb = isWanted(preferences, kind, "web");
  const notification = onWeb ? await append(transaction, delivery, { quiet, now: options.now }) : undefined;
  if (notification !== undefined && key !== undefined) await noteId(transaction, userId, key, notification.id);
  if (options.emails && isWanted(preferences, kind, "email")) await queueEmail(transaction, delivery, options.now);
  return notification;
}

/** @returns whether nothing was delivered under the key yet. Whoever asks at the same moment waits for this transaction. */
async function takeKey(transaction: Transaction<Schema>, userId: string, key: string, now: Date): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto("deliveries")
    .values({ user_id: userId, delivery_key: key, notification_id: null, delivered_at_ms: now.getTime() })
    .onConflict((conflict) => conflict.columns(["user_id", "delivery_key"]).doNothing())
    .executeTakeFirstOrThrow();
  return Number(numInsertedOrUpdatedRows) === 1;
}

/** Forgets under which keys something was delivered before a time. The Notifications stay. */
export async function forgetDeliveries(db: Kysely<Schema>, before: Date): Promise<void> {
  await db.deleteFrom("deliveries").where("delivered_at_ms", "<", before.getTime()).execute();
}

/** Forgets the Notifications from before a time, some at a time: nobody waits long for what a transaction holds. */
export async function forgetNotifications(db: Kysely<Schema>, before: Date): Promise<void> {
  while (true) {
    const { numDeletedRows } = await db
      .deleteFrom("notifications")
      .where(({ eb, refTuple, selectFrom }) => {
        const old = selectFrom("notifications").select(["user_id", "id"]).where("created_at_ms", "<", before.getTime());
        return eb(
          refTuple("user_id", "id"),
          "in",
          old.orderBy("created_at_ms").limit(FORGOTTEN_AT_ONCE).$asTuple("user_id", "id"),
        );
      })
      .executeTakeFirstOrThrow();
    if (Number(numDeletedRows) < FORGOTTEN_AT_ONCE) return;
  }
}

async function noteId(transaction: Transaction<Schema>, userId: string, key: string, id: number): Promise<void> {
  await transaction
    .updateTable("deliveries")
    .set({ notification_id: id })
    .where("user_id", "=", userId)
    .where("delivery_key", "=", key)
    .execute();
}

async function deliveredBefore(transaction: Transaction<Schema>, userId: string, key: string): Promise<Notification | undefined> {
  const row = await transaction
    .selectFrom("notifications")
    .innerJoin("deliveries", (join) =>
      join.onRef("deliveries.user_id", "=", "notifications.user_id").onRef("deliveries.notification_id", "=", "notifications.id"),
    )
    .selectAll("notifications")
    .where("deliveries.user_id", "=", userId)
    .where("deliveries.delivery_key", "=", key)
    .executeTakeFirst();
  return row && notificationOf(row);
}

async function append(
  transaction: Transaction<Schema>,
  { userId, kind, subject, title, content, language }: Delivery,
  { quiet, now }: { quiet: boolean; now: Date },
): Promise<Notification> {
  // Takes the lock on the user's inbox first: a later id is never seen before an earlier one.
  const { last_id: id } = await transaction
    .insertInto("inboxes")
    .values({ user_id: userId, last_id: 1 })
    .onConflict((conflict) =>
      conflict.column("user_id").doUpdateSet((update) => ({ last_id: update("inboxes.last_id", "+", 1) })),
    )
    .returning("last_id")
    .executeTakeFirstOrThrow();
  const row: NotificationRow = {
    ...{ user_id: userId, id, kind, title, content, language, created_at_ms: now.getTime(), is_read: 0 },
    is_quiet: quiet ? 1 : 0,
    order_id: subject.orderId,
    book_id: subject.bookId,
    article_id: subject.articleId,
    comment_id: subject.commentId,
  };
  await transaction.insertInto("notifications").values(row).execute();
  return notificationOf(row);
}

async function queueEmail(
  transaction: Transaction<Schema>,
  { userId, kind, title, content, language }: Delivery,
  now: Date,
): Promise<void> {
  const text = { user_id: userId, kind, title, content, language };
  const times = { created_at_ms: now.getTime(), due_at_ms: now.getTime(), attempts: 0, claimed_until_ms: 0 };
  await transaction
    .insertInto("emails")
    .values({ id: randomUUID(), ...text, ...times })
    .execute();
}

export function notificationOf(row: Selectable<NotificationRow>): Notification {
  const { id, kind, title, content, language } = row;
  return {
    ...{ userId: row.user_id, id, kind, title, content, language, createdAt: new Date(row.created_at_ms) },
    subject: { orderId: row.order_id, bookId: row.book_id, articleId: row.article_id, commentId: row.comment_id },
    read: row.is_read === 1,
    quiet: row.is_quiet === 1,
  };
}
