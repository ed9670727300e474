import type { Kysely, Selectable, Transaction } from "kysely";
import { BookRated, BookRatingRemoved } from "../../gen/bookstore/events/v1/review_events.ts";
import type { EventLog } from "../../runtime/events/event-log.ts";
import { lockUser } from "../../runtime/user-locks.ts";
import { refuseUnregistered } from "./author.ts";
import { lockSubject, subjectKey } from "./comment-subject.ts";
import type { Review, ReviewStore } from "./review.ts";
import type { ReviewRow, Schema } from "./schema.ts";

/** Keeps the Reviews, and of each Book how it is rated. */
export function reviewStore(db: Kysely<Schema>, log: EventLog): ReviewStore {
  const withCounts = (executor: Kysely<Schema>) =>
    executor
      .selectFrom("reviews")
      .leftJoin("comment_subjects", (join) =>
        join.on(({ eb, ref, val }) => eb("comment_subjects.subject", "=", eb(val("review/"), "||", ref("reviews.id")))),
      )
      .selectAll("reviews")
      .select("comment_count");

  const findOf = async (executor: Kysely<Schema>, userId: string, bookId: number) => {
    const row = await withCounts(executor).where("user_id", "=", userId).where("book_id", "=", bookId).executeTakeFirst();
    return row && reviewOf(row);
  };

  return {
    async write({ writtenAt, ...review }) {
      const { userId, bookId, rating, text, authorName } = review;
      const written = await db.transaction().execute(async (transaction) => {
        if (!(await lockUser(transaction, userId))) refuseUnregistered("to rate a book");
        await lockRating(transaction, bookId);
        const before = await findOf(transaction, userId, bookId);
        if (before?.rating === rating && before.text === text && before.authorName === authorName) return before;
        const after = {
          ...{ commentCount: 0, createdAt: writtenAt, ...review },
          ...(before && { id: before.id, createdAt: before.createdAt, commentCount: before.commentCount }),
          updatedAt: writtenAt,
        };
        const row = rowOf(after);
        await transaction
          .insertInto("reviews")
          .values(row)
          .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
          .execute();
        if (before?.rating === rating) return after;
        await addRating(transaction, bookId, rating - (before?.rating ?? 0), before === undefined ? 1 : 0);
        const data = { reviewId: after.id, bookId, userId, rating };
        await log.append(transaction, BookRated, { subject: ratingSubject(userId, bookId), data });
        return after;
      });
      log.wake();
      return written;
    },

    get(userId, bookId) {
      return findOf(db, userId, bookId);
    },

    async find(id) {
      const row = await withCounts(db).where("reviews.id", "=", id).executeTakeFirst();
      return row && reviewOf(row);
    },

    async delete(userId, bookId) {
      const deleted = await db.transaction().execute(async (transaction) => {
        const removed = await remove(transaction, userId, bookId);
        if (removed !== undefined) await tellOfRemoved(transaction, log, removed);
        return removed !== undefined;
      });
      log.wake();
      return deleted;
    },

    async list(bookId, after, limit) {
      let query = withCounts(db)
        .where("book_id", "=", bookId)
        .orderBy("created_at_ms", "desc")
        .orderBy("reviews.id", "desc")
        .limit(limit);
      if (after !== undefined) {
        const { createdAtMs, id } = after;
        query = query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple("created_at_ms", "reviews.id"), "<", tuple(createdAtMs, id)),
        );
      }
      return (await query.execute()).map(reviewOf);
    },

    async ratings(bookIds) {
      const rows = await db
        .selectFrom("book_ratings")
        .selectAll()
        .where("book_id", "in", bookIds)
        .where("rating_count", ">", 0)
        .orderBy("book_id")
        .execute();
      return rows.map((row) => ({
        ...{ bookId: row.book_id, count: row.rating_count },
        average: row.rating_sum / row.rating_count,
      }));
    },
  };
}

/** A Review that is gone. */
type Removed = BookRatingRemoved;

async function remove(transaction: Transaction<Schema>, userId: string, bookId: number): Promise<Removed | undefined> {
  await addRating(transaction, bookId, 0, 0);
  const row = await transaction
    .deleteFrom("reviews")
    .where("user_id", "=", userId)
    .where("book_id", "=", bookId)
    .returning(["id", "rating"])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  await addRating(transaction, bookId, -row.rating, -1);
  await deleteSubject(transaction, row.id);
  return { reviewId: row.id, bookId, userId };
}

/** The last thing of the transaction. */
export async function tellOfRemoved(transaction: Transaction<Schema>, log: EventLog, removed: Removed): Promise<void> {
  const { userId, bookId } = removed;
  await log.append(transaction, BookRatingRemoved, { subject: ratingSubject(userId, bookId), data: removed });
}

/** Deletes all Reviews of a user, as delete() does it. @returns them, for others to be told. */
export async function removeReviewsOf(transaction: Transaction<Schema>, userId: string): Promise<Removed[]> {
  const query = transaction.selectFrom("reviews").select("book_id").where("user_id", "=", userId);
  const removed: Removed[] = [];
  // In an order, so that no two of these wait for each other.
  for (const { book_id: bookId } of await query.orderBy("book_id").execute()) {
    const one = await remove(transaction, userId, bookId);
    if (one !== undefined) removed.push(one);
  }
  return removed;
}

/** Events of one user about one Book keep their order, also when the Review was deleted and written anew between them. */
function ratingSubject(userId: string, bookId: number): string {
  return `books/${bookId}/ratings/${userId}`;
}

/**
 * Takes the lock on the rating of a Book, which nobody may have rated yet.
 *
 * First of all in a transaction: one that reads before it writes is refused by SQLite where another one has written meanwhile.
 */
async function lockRating(transaction: Transaction<Schema>, bookId: number): Promise<void> {
  await transaction
    .insertInto("book_ratings")
    .values({ book_id: bookId, rating_sum: 0, rating_count: 0 })
    .onConflict((conflict) => conflict.column("book_id").doUpdateSet({ book_id: bookId }))
    .execute();
}

/** Takes the lock too, where the Book was ever rated. */
async function addRating(transaction: Transaction<Schema>, bookId: number, sum: number, count: number): Promise<void> {
  await transaction
    .updateTable("book_ratings")
    .set((update) => ({ rating_sum: update("rating_sum", "+", sum), rating_count: update("rating_count", "+", count) }))
    .where("book_id", "=", bookId)
    .execute();
}

/** Deletes all that was said about a Review. */
async function deleteSubject(transaction: Transaction<Schema>, reviewId: string): Promise<void> {
  const subject = subjectKey({ kind: "review", id: reviewId });
  // Waits for whoever is commenting on it: a row that they have not committed yet could not be found otherwise.
  await lockSubject(transaction, subject);
  await transaction.deleteFrom("comments").where("subject", "=", subject).execute();
  await transaction.deleteFrom("comment_subjects").where("subject", "=", subject).execute();
}

function rowOf({ id, userId, bookId, rating, text, authorName, createdAt, updatedAt }: Review): ReviewRow {
  return {
    ...{ id, rating, text, user_id: userId, book_id: bookId, author_name: authorName },
    ...{ created_at_ms: createdAt.getTime(), updated_at_ms: updatedAt.getTime() },
  };
}

function reviewOf(row: Selectable<ReviewRow> & { comment_count: number | null }): Review {
  const { id, rating, text } = row;
  return {
    ...{ id, rating, text, userId: row.user_id, bookId: row.book_id, authorName: row.author_name },
    ...{ createdAt: new Date(row.created_at_ms), updatedAt: new Date(row.updated_at_ms) },
    commentCount: row.comment_count ?? 0,
  };
}
