import type { PushServiceImplementation } from "../../gen/bookstore/push/v1/push_service.ts";
import { decodePageToken, encodePageToken, pageOf } from "../../runtime/page-token.ts";
import { userDeleted } from "../../runtime/user-locks.ts";
import type { Wakeups } from "../../runtime/wakeups.ts";
import { markRead, type Notification, type NotificationStore, type PushDeps, push } from "./notification.ts";
import { messageOf } from "./notification-message.ts";
import { preferenceHandler } from "./preference-handler.ts";
import type { PreferenceStore } from "./preferences.ts";

const DEFAULT_PAGE_SIZE = 20;
const SUBSCRIPTION_BATCH = 100;

export interface PushHandlerDeps extends PushDeps {
  store: NotificationStore & { preferences: PreferenceStore };
  wakeups: Wakeups<string>;
  /** Whether e-mails are sent at all. The default is no. */
  emails?: boolean;
}

/** Implements bookstore.push.v1.PushService. */
export function pushHandler(deps: PushHandlerDeps): PushServiceImplementation {
  const { store, wakeups } = deps;
  return {
    async push(request) {
      return { notification: messageOf(await push(deps, request)) };
    },

    async listNotifications({ userId, pageSize, pageToken, unreadOnly }) {
      const bound = { userId, unreadOnly };
      const [beforeId] = decodePageToken(pageToken, bound, ["number"]) ?? [];
      const { page, last } = await pageOf(pageSize || DEFAULT_PAGE_SIZE, (limit) =>
        store.list(userId, { beforeId, unreadOnly, limit }),
      );
      return {
        notifications: page.map(messageOf),
        nextPageToken: last ? encodePageToken([last.id], bound) : "",
        unreadCount: await store.countUnread(userId),
      };
    },

    async markRead({ userId, notificationIds }) {
      return { unreadCount: await markRead(store, userId, notificationIds.map(Number)) };
    },

    async *subscribe({ userId, afterNotificationId }, { signal }) {
      const next = unseen(store, userId, Number(afterNotificationId));
      for await (const notification of wakeups.follow(userId, signal, next)) {
        yield { notification: messageOf(notification) };
      }
    },

    ...preferenceHandler(store.preferences, { emails: deps.emails ?? false }),
  };
}

/** Each call gives the Notifications that came since the last one. @throws Failure "not-found" once the user is deleted. */
function unseen(store: NotificationStore, userId: string, afterId: number): () => AsyncGenerator<Notification> {
  let seen = afterId;
  return async function* () {
    const before = seen;
    while (true) {
      const batch = await store.listAfter(userId, seen, SUBSCRIPTION_BATCH);
      for (const notification of batch) {
        seen = notification.id;
        yield notification;
      }
      if (batch.length < SUBSCRIPTION_BATCH) break;
    }
    // Of a deleted user there is nothing to be found.
    if (seen === before && (await store.isDeleted(userId))) throw userDeleted();
  };
}
