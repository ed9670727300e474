import { randomUUID } from "node:crypto";
import {
  OrderCancelled,
  OrderPaymentFailed,
  OrderPlaced,
  PromotionReminded,
} from "../../gen/bookstore/events/v1/order_events.ts";
import { CommentPosted } from "../../gen/bookstore/events/v1/review_events.ts";
import { type Event, type EventType, SPEC_VERSION } from "../../runtime/events/event.ts";

let position = 0n;

/** An event as a source would send it. */
export function eventOf<T>(type: EventType<T>, source: string, data: T): Event {
  position++;
  return {
    ...{ id: randomUUID(), source, specVersion: SPEC_VERSION, type: type.$type, subject: `test/${position}` },
    ...{ time: new Date(), position, traceParent: "", data: Buffer.from(type.encode(data).finish()) },
  };
}

const USD = (minorUnits: bigint) => ({ currencyCode: "USD", minorUnits });
const BOOKS = [{ bookId: 42, title: "Dune", quantity: 2, unitPrice: USD(999n) }];

export function orderPlaced(userId: string, more: Partial<OrderPlaced> = {}): Event {
  const order = { orderId: "order-1", userId, books: BOOKS, total: USD(1_998n), placeTime: new Date("2026-11-21T12:00:00Z") };
  return eventOf(OrderPlaced, "orders", OrderPlaced.fromPartial({ ...order, ...more }));
}

export function orderCancelled(userId: string): Event {
  return eventOf(OrderCancelled, "orders", { orderId: "order-1", userId, books: BOOKS, refund: USD(1_998n) });
}

export function paymentFailed(userId: string): Event {
  return eventOf(OrderPaymentFailed, "orders", { orderId: "order-1", userId });
}

export function promotionReminded(userId: string): Event {
  return eventOf(PromotionReminded, "orders", { userId });
}

export function commentPosted(authorUserId: string, more: Partial<CommentPosted> = {}): Event {
  const comment = { commentId: 7n, userId: "commenter", authorUserId, articleId: 5n, content: "Well said!" };
  return eventOf(CommentPosted, "reviews", CommentPosted.fromPartial({ ...comment, ...more }));
}
