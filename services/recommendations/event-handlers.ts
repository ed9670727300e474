import { OrderCancelled, type OrderedBook, OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { BookRated, BookRatingRemoved } from "../../gen/bookstore/events/v1/review_events.ts";
import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import type { Event } from "../../runtime/events/event.ts";
import { on, type Subscription } from "../../runtime/events/subscription.ts";
import { type Change, forgetReader, type InteractionsSchema, noteChange } from "./interaction-store.ts";

/** What is learned from the events of orders and reviews, and forgotten with those of register. */
export const subscriptions: readonly Subscription<InteractionsSchema>[] = [
  on(
    OrderPlaced,
    note(({ orderId, userId, books }) => purchase(orderId, userId, books, true)),
  ),
  on(
    OrderCancelled,
    note(({ orderId, userId, books }) => purchase(orderId, userId, books, false)),
  ),
  on(
    BookRated,
    note(({ reviewId, userId, bookId, rating }) => ratingOf(reviewId, userId, bookId, rating)),
  ),
  on(
    BookRatingRemoved,
    note(({ reviewId, userId, bookId }) => ratingOf(reviewId, userId, bookId, 0)),
  ),
  on(
    UserDeleted,
    async ({ userId }) =>
      (transaction) =>
        forgetReader(transaction, userId),
  ),
];

type WhatChanged = Omit<Change, "happenedAt" | "position">;

function note<T>(read: (data: T) => WhatChanged) {
  return async (data: T, event: Event) => {
    const change = { ...read(data), happenedAt: event.time ?? new Date(0), position: event.position };
    return (transaction: Parameters<typeof noteChange>[0]) => noteChange(transaction, change);
  };
}

function purchase(originId: string, userId: string, books: readonly OrderedBook[], counts: boolean): WhatChanged {
  return { kind: "bought", originId, userId, bookIds: books.map(({ bookId }) => bookId), rating: 0, counts };
}

function ratingOf(originId: string, userId: string, bookId: number, rating: number): WhatChanged {
  return { kind: "rated", originId, userId, bookIds: [bookId], rating, counts: rating > 0 };
}
