import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import { on, type Subscription } from "../../runtime/events/event-consumer.ts";
import type { EventLog } from "../../runtime/events/event-log.ts";
import { lockDeletedUser } from "../../runtime/user-locks.ts";
import { removeCommentsOf } from "./comment-store.ts";
import { removeReviewsOf, tellOfRemoved } from "./review-store.ts";
import type { Schema } from "./schema.ts";

/** What a deleted user has said goes, as if the user had taken it back; others are told of the ratings. */
export function deletedUsers(log: EventLog): Subscription<Schema> {
  return on<UserDeleted, Schema>(UserDeleted, async ({ userId }) => async (transaction) => {
    await lockDeletedUser(transaction, userId);
    const removed = await removeReviewsOf(transaction, userId);
    await removeCommentsOf(transaction, userId);
    for (const review of removed) await tellOfRemoved(transaction, log, review);
  });
}
