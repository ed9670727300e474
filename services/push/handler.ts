import {
  NotificationKind,
  type Notification as NotificationMessage,
  type PushServiceImplementation,
} from "../../gen/bookstore/push/v1/push_service.ts";
import { Failure } from "../../runtime/errors.ts";
import { decodePageToken, encodePageToken } from "../../runtime/page-token.ts";
import type { Wakeups } from "../../runtime/wakeups.ts";
import { markRead, type Notification, type NotificationStore, type PushDeps, push } from "./notification.ts";

const DEFAULT_PAGE_SIZE = 20;
const SUBSCRIPTION_BATCH = 100;

/** Implements bookstore.push.v1.PushService. */
export function pushHandler(deps: PushDeps & { wakeups: Wakeups<string> }): PushServiceImplementation {
  const { store, wakeups } = deps;
  return {
    async push(request) {
      return { notification: messageOf(await push(deps, request)) };
    },

    async listNotifications({ userId, pageSize, pageToken, unreadOnly }) {
      const size = pageSize || DEFAULT_PAGE_SIZE;
      const bound = { userId, unreadOnly };
      const [beforeId] = decodePageToken(pageToken, bound, ["number"]) ?? [];
      // One more than asked for tells whether there is a next page.
      const found = await store.list(userId, {
        beforeId,
        unreadOnly,
        limit: size + 1,
      });
      const page = found.slice(0, size);
      const last = page.at(-1);
      return {
        notifications: page.map(messageOf),
        nextPageToken: found.length > size && last !== undefined ? encodePageToken([last.id], bound) : "",
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

    getPreferences: notYet,
    updatePreferences: notYet,
    unsubscribe: notYet,
  };
}

/** Each call gives the Notifications that came since the last one. */
function unseen(store: NotificationStore, userId: string, afterId: number): () => AsyncGenerator<Notification> {
  let seen = afterId;
  return async function* () {
    while (true) {
      const batch = await store.listAfter(userId, seen, SUBSCRIPTION_BATCH);
      for (const notification of batch) {
        seen = notification.id;
        yield notification;
      }
      if (batch.length < SUBSCRIPTION_BATCH) return;
    }
  };
}

async function notYet(): Promise<never> {
  throw new Failure("unimplemented", "not served yet");
}

function messageOf(notification: Notification): NotificationMessage {
  const { userId, id, content, language, createdAt, read } = notification;
  const message = { kind: NotificationKind.NOTIFICATION_KIND_MESSAGE, subject: undefined, title: "", quiet: false };
  return { id: BigInt(id), userId, content, language, createTime: createdAt, read, ...message };
}
