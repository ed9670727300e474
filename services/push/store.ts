import { type Database, openDatabase } from "../../runtime/database.ts";
import { eventConsumerTables, eventCursorIds } from "../../runtime/events/event-consumer.ts";
import type { Logger } from "../../runtime/logger.ts";
import { userLockTables } from "../../runtime/user-locks.ts";
import { forgetDeliveries, forgetNotifications } from "./delivery.ts";
import { type EmailStore, emailStore } from "./email-store.ts";
import { notifications } from "./migrations/0001-notifications.ts";
import { kindsAndPreferences } from "./migrations/0002-kinds-and-preferences.ts";
import { emails } from "./migrations/0003-emails.ts";
import { deliveryTimes } from "./migrations/0005-delivery-times.ts";
import { emailsOfUsers } from "./migrations/0008-emails-of-users.ts";
import { notificationAge } from "./migrations/0009-notification-age.ts";
import { emailTurns } from "./migrations/0010-email-turns.ts";
import type { NotificationStore } from "./notification.ts";
import { notificationStore } from "./notification-store.ts";
import { preferenceStore } from "./preference-store.ts";
import type { PreferenceStore } from "./preferences.ts";
import type { Schema } from "./schema.ts";

const migrations = {
  "0001-notifications": notifications,
  "0002-kinds-and-preferences": kindsAndPreferences,
  "0003-emails": emails,
  "0004-events": eventConsumerTables,
  "0005-delivery-times": deliveryTimes,
  "0006-event-cursor-ids": eventCursorIds,
  "0007-user-locks": userLockTables,
  "0008-emails-of-users": emailsOfUsers,
  "0009-notification-age": notificationAge,
  "0010-email-turns": emailTurns,
};

export interface PushStore extends NotificationStore, Database<Schema> {
  preferences: PreferenceStore;
  emails: EmailStore;
  /** Forgets what was delivered before a time, so that it could be delivered again. The Notifications stay. */
  forgetDeliveries(before: Date): Promise<void>;
  /** Forgets the Notifications from before a time. Ids count on. */
  forgetNotifications(before: Date): Promise<void>;
}

/**
 * Opens the Notifications at `url` and brings their schema up to date.
 *
 * @param options.emails whether what is delivered goes by e-mail too. The default is no.
 */
export async function openPushStore(url: string, logger: Logger, options: { emails?: boolean } = {}): Promise<PushStore> {
  const database = await openDatabase<Schema>({ url, logger, migrations });
  const { db } = database;
  return {
    ...database,
    ...notificationStore(db, { emails: options.emails ?? false }),
    preferences: preferenceStore(db),
    emails: emailStore(db),
    forgetDeliveries: (before) => forgetDeliveries(db, before),
    forgetNotifications: (before) => forgetNotifications(db, before),
  };
}
