import { NotificationKind, type Notification as NotificationMessage } from "../../gen/bookstore/push/v1/push_service.ts";
import type { Kind } from "./kind.ts";
import { type Notification, noSubject } from "./notification.ts";

/** The kinds by their numbers in the contract. */
export const numberOf = {
  message: NotificationKind.NOTIFICATION_KIND_MESSAGE,
  "order-placed": NotificationKind.NOTIFICATION_KIND_ORDER_PLACED,
  "order-cancelled": NotificationKind.NOTIFICATION_KIND_ORDER_CANCELLED,
  "payment-failed": NotificationKind.NOTIFICATION_KIND_PAYMENT_FAILED,
  "comment-posted": NotificationKind.NOTIFICATION_KIND_COMMENT_POSTED,
  "comment-answered": NotificationKind.NOTIFICATION_KIND_COMMENT_ANSWERED,
  "promotion-reminder": NotificationKind.NOTIFICATION_KIND_PROMOTION_REMINDER,
} as const satisfies Record<Kind, NotificationKind>;

const kindOfNumber = new Map(Object.entries(numberOf).map(([kind, number]) => [number as NotificationKind, kind as Kind]));

/** @param number one that the contract defines and that is not zero. */
export function kindOf(number: NotificationKind): Kind {
  const kind = kindOfNumber.get(number);
  if (kind === undefined) throw new Error(`no kind has the number ${number}`);
  return kind;
}

export function messageOf(notification: Notification): NotificationMessage {
  const { userId, id, content, language, createdAt, read, kind, subject, title, quiet } = notification;
  const { orderId, bookId, articleId, commentId } = subject;
  const isAboutSomething = Object.keys(noSubject).some((name) => Boolean(subject[name as keyof typeof noSubject]));
  return {
    ...{ id: BigInt(id), userId, content, language, createTime: createdAt, read, kind: numberOf[kind], title, quiet },
    subject: isAboutSomething ? { orderId, bookId, articleId: BigInt(articleId), commentId: BigInt(commentId) } : undefined,
  };
}
