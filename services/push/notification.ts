import { Failure } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Kind } from "./kind.ts";
import { chooseText, type LocalizedText, type ReaderLocale } from "./translation.ts";

/** The things that a Notification is about; "" or 0 where there is none. */
export interface Subject {
  orderId: string;
  bookId: number;
  articleId: number;
  commentId: number;
}

export const noSubject: Subject = { orderId: "", bookId: 0, articleId: 0, commentId: 0 };

/** Something to tell a user. */
export interface Delivery {
  userId: string;
  kind: Kind;
  subject: Subject;
  /** "" for a message. */
  title: string;
  content: string;
  /** The language of title and content; "" if nobody said. */
  language: string;
  /** What is delivered under one key is delivered to the user once. */
  key?: string | undefined;
}

/** A message that a user has got. */
export interface Notification extends Omit<Delivery, "key"> {
  /** Counts up from 1 for each user, without gaps. */
  id: number;
  createdAt: Date;
  read: boolean;
  /** Whether it came in the user's quiet hours. */
  quiet: boolean;
}

/** Who a user is, as far as pushing goes. */
export interface Reader extends ReaderLocale {
  name?: string;
}

export interface NotificationStore {
  /**
   * Stores a message under the next id of the user, or finds the one that was stored under the same key.
   *
   * @throws Failure "not-found" if the user is deleted.
   */
  append(userId: string, text: LocalizedText, createdAt: Date, key?: string): Promise<Notification>;
  /** Newest first, from below an id. */
  list(userId: string, options: { beforeId: number | undefined; unreadOnly: boolean; limit: number }): Promise<Notification[]>;
  /** Oldest first, from above an id. */
  listAfter(userId: string, afterId: number, limit: number): Promise<Notification[]>;
  countUnread(userId: string): Promise<number>;
  /** @returns whether all were found; none is marked if one was not. */
  markRead(userId: string, ids: readonly number[]): Promise<boolean>;
  /** The newest id of each user that has any; -1 for those who are deleted. */
  lastIds(userIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  isDeleted(userId: string): Promise<boolean>;
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
  /** "" if each call is to push. */
  idempotencyKey: string;
}

/** Stores a message for a user in the user's language, and wakes the subscribers. */
export async function push(deps: PushDeps, message: Message): Promise<Notification> {
  const { userId, idempotencyKey } = message;
  const reader = await knownReader(deps, userId);
  if (reader === undefined) throw new Failure("not-found", "not registered.", { reason: "USER_NOT_REGISTERED" });
  const text = chooseText(message.content, message.translations, reader);
  const key = idempotencyKey === "" ? undefined : `call ${idempotencyKey}`;
  const notification = await deps.store.append(userId, text, deps.now(), key);
  deps.wake(userId);
  logProgress(deps.logger, userId, reader, text.content);
  return notification;
}

/** Asks who a user is, and notes in the log if nobody is. */
export async function knownReader(deps: Pick<PushDeps, "findReader" | "logger">, userId: string): Promise<Reader | undefined> {
  const reader = await deps.findReader(userId);
  if (reader === undefined) deps.logger.warn(`User:${userId} not existed.`);
  return reader;
}

/** The content is the user's own business: only its length is logged. */
export function logProgress(logger: Logger, userId: string, { language, country }: Reader, content: string): void {
  const length = `${content.length} characters`;
  logger.info(`Push Progress: u_id: ${userId}, language: ${language}, country: ${country}, content: ${length}`);
}

/** Marks Notifications as read, all or none. @returns how many are still unread. */
export async function markRead(store: NotificationStore, userId: string, ids: readonly number[]): Promise<number> {
  if (!(await store.markRead(userId, ids))) {
    throw new Failure("not-found", "no such notification", { reason: "NOTIFICATION_NOT_FOUND" });
  }
  return store.countUnread(userId);
}
