import { type Database, openDatabase } from "../../runtime/database.ts";
import { eventConsumerTables, eventCursorIds } from "../../runtime/events/event-consumer.ts";
import { EventLog, eventLogTables } from "../../runtime/events/event-log.ts";
import type { Logger } from "../../runtime/logger.ts";
import { userLockTables } from "../../runtime/user-locks.ts";
import type { CommentStore } from "./comment.ts";
import { commentStore } from "./comment-store.ts";
import { reviews } from "./migrations/0001-reviews.ts";
import { comments } from "./migrations/0002-comments.ts";
import type { ReviewStore } from "./review.ts";
import { reviewStore } from "./review-store.ts";
import type { Schema } from "./schema.ts";

export interface ReviewsStore extends Database<Schema> {
  readonly reviews: ReviewStore;
  readonly comments: CommentStore;
  /** What has happened to them, for those who follow. */
  readonly log: EventLog;
}

/** The schema, in the order in which it came about. */
export const migrations = {
  ...{ "0001-reviews": reviews, "0002-comments": comments, "0003-event-log": eventLogTables },
  ...{ "0004-events": eventConsumerTables, "0005-event-cursor-ids": eventCursorIds, "0006-user-locks": userLockTables },
};

/** Opens Reviews and Comments at `url` and brings their schema up to date. */
export async function openReviewsStore(url: string, logger: Logger): Promise<ReviewsStore> {
  const { db, check, close } = await openDatabase<Schema>({ url, logger, migrations });
  const log = new EventLog(db, { source: "reviews" });
  return { db, check, close, log, reviews: reviewStore(db, log), comments: commentStore(db, log) };
}
