import { Failure } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { chooseText, type LocalizedText } from "./translation.ts";

/** A message that a user has got. */
export interface Notification {
  userId: string;
  /** Counts up from 1 for each user, without gaps. */
  id: number;
  content: string;
  /** The language of the content; "" if nobody said. */
  language: string;
  createdAt: Date;
  read: boolean;
}

/** Who a user is, as far as pushing goes. */
export interface Reader {
  language: string;
  country: string;
}

export interface NotificationStore {
  /** Stores a Notification under the next id of the user. */
  append(userId: string, text: LocalizedText, createdAt: Date): Promise<Notification>;
  /** Newest first, from below an id. */
  list(userId: string, options: { beforeId: number | undefined; unreadOnly: boolean; limit: number }): Promise<Notification[]>;
  /** Oldest first, from above an id. */
  listAfter(userId: string, afterId: number, limit: number): Promise<Notification[]>;
  countUnread(userId: string): Promise<number>;
  /** @returns whether all were found; none is marked if one was not. */
  markRead(userId: string, ids: readonly number[]): Promise<boolean>;
  /** The newest id of each user that has any. */
  lastIds(userIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

export interface PushDeps {
  store: NotificationStore;
  /** Asks register who a user is; undefined if nobody is. */
  findReader(userId: string): Promise<Reader | undefined>;
  /** Tells the subscribers of a user, in this process, that there is something new. */
  wake(userId: string): void;
  now(): Date;
  logger: Logger;
}

export interface Message {
  userId: string;
  content: string;
  translations: ReadonlyMap<string, string>;
}

/** Stores a message for a user in the user's language, and wakes the subscribers. */
export async function push(deps: PushDeps, message: Message): Promise<Notification> {
  const { userId } = message;
  const reader = await deps.findReader(userId);
  if (reader === undefined) {
    deps.logger.warn(`User:${userId} not existed.`);
    throw new Failure("not-found", "not registered.", { reason: "USER_NOT_REGISTERED" });
  }
  const text = chooseText(message.content, message.translations, reader);
  const notification = await deps.store.append(userId, text, deps.now());
  deps.wake(userId);
  // The content is the user's own business: only its length is logged.
  const { language, country } = reader;
  deps.logger.info(
    `Push Progress: u_id: ${userId}, language: ${language}, country: ${country}, content: ${text.content.length} characters`,
  );
  return notification;
}

/** Marks Notifications as read, all or none. @returns how many are still unread. */
export async function markRead(store: NotificationStore, userId: string, ids: readonly number[]): Promise<number> {
  if (!(await store.markRead(userId, ids))) {
    throw new Failure("not-found", "no such notification", { reason: "NOTIFICATION_NOT_FOUND" });
  }
  return store.countUnread(userId);
}
