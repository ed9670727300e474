import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import { CommentPosted } from "../../gen/bookstore/events/v1/review_events.ts";
import { isUniqueViolation } from "../../runtime/database.ts";
import { invalidField } from "../../runtime/errors.ts";
import type { EventLog } from "../../runtime/events/event-log.ts";
import { lockUser } from "../../runtime/user-locks.ts";
import { refuseUnregistered } from "./author.ts";
import { type Comment, type CommentStore, type PostedComment, refuseReusedKey, refuseUnknownComment } from "./comment.ts";
import { countComments, lockSubject, subjectKey, subjectOf } from "./comment-subject.ts";
import { refuseUnknownReview } from "./review.ts";
import type { CommentRow, Schema } from "./schema.ts";

/** Keeps the Comments, and of each subject how many there are. */
export function commentStore(db: Kysely<Schema>, log: EventLog): CommentStore {
  return {
    async post(posted) {
      try {
        const outcome = await db.transaction().execute((transaction) => post(transaction, log, posted));
        log.wake();
        return outcome;
      } catch (error) {
        // Used at the same moment for a comment on something else; on one and the same, one waits for the other.
        if (isUniqueViolation(error, "idempotency_key")) refuseReusedKey();
        throw error;
      }
    },

    async edit(userId, id, content, editedAt) {
      const row = await db
        .updateTable("comments")
        .set({ content, edited_at_ms: editedAt.getTime() })
        .where("id", "=", id)
        .where("user_id", "=", userId)
        .where("is_deleted", "=", 0)
        .returningAll()
        .executeTakeFirst();
      return row && commentOf(row);
    },

    async delete(userId, id) {
      const found = await db.selectFrom("comments").select("subject").where("id", "=", id).executeTakeFirst();
      if (found === undefined) return false;
      return db.transaction().execute((transaction) => remove(transaction, userId, { id, subject: found.subject }));
    },

    async find(id) {
      const row = await db.selectFrom("comments").selectAll().where("id", "=", id).executeTakeFirst();
      return row && commentOf(row);
    },

    async list(subject, after, limit) {
      let query = db
        .selectFrom("comments")
        .selectAll()
        .where("subject", "=", subjectKey(subject))
        .orderBy("thread_id", "desc")
        .orderBy("id")
        .limit(limit);
      if (after !== undefined) {
        const { threadId, id } = after;
        query = query
          // Said by itself too: a database does not look for the place of an "or" in an index.
          .where("thread_id", "<=", threadId)
          .where((where) => where.or([where("thread_id", "<", threadId), where("id", ">", id)]));
      }
      return (await query.execute()).map(commentOf);
    },

    async listOwn(userId, { subject, ids }, beforeId, limit) {
      let query = db
        .selectFrom("comments")
        .selectAll()
        .where("user_id", "=", userId)
        .where("is_deleted", "=", 0)
        .orderBy("id", "desc")
        .limit(limit);
      if (subject !== undefined) query = query.where("subject", "=", subjectKey(subject));
      if (ids !== undefined) query = query.where("id", "in", ids);
      if (beforeId !== undefined) query = query.where("id", "<", beforeId);
      return (await query.execute()).map(commentOf);
    },
  };
}

async function post(
  transaction: Transaction<Schema>,
  log: EventLog,
  posted: PostedComment,
): Promise<{ comment: Comment; isNew: boolean }> {
  const { userId, parentId, content, idempotencyKey, fingerprint } = posted;
  const subject = subjectKey(posted.subject);
  if (!(await lockUser(transaction, userId))) refuseUnregistered("to comment");
  await lockSubject(transaction, subject);
  const before = await transaction
    .selectFrom("comments")
    .selectAll()
    .where("user_id", "=", userId)
    .where("idempotency_key", "=", idempotencyKey)
    .executeTakeFirst();
  if (before !== undefined) {
    if (before.fingerprint !== fingerprint) refuseReusedKey();
    return { comment: commentOf(before), isNew: false };
  }
  const about = await findAbout(transaction, posted);
  const parent = parentId === 0 ? undefined : await answer(transaction, subject, parentId);
  const id = await nextId(transaction);
  const row: CommentRow = {
    ...{ id, subject, content, fingerprint, parent_id: parentId, thread_id: parent?.thread_id ?? id, answer_count: 0 },
    ...{ user_id: userId, author_name: posted.authorName, idempotency_key: idempotencyKey },
    ...{ created_at_ms: posted.createdAt.getTime(), edited_at_ms: null, is_deleted: 0 },
  };
  await transaction.insertInto("comments").values(row).execute();
  await countComments(transaction, subject, 1);
  const authorUserId = parent?.user_id ?? about.authorId;
  // Nobody is told what they have said themselves.
  if (authorUserId !== userId) {
    const { articleId, bookId } = about;
    const data = { commentId: BigInt(id), userId, authorUserId, articleId, bookId, parentCommentId: BigInt(parentId), content };
    // Whoever is told hears of one comment after the other.
    await log.append(transaction, CommentPosted, { subject: `comments/${authorUserId}`, data });
  }
  return { comment: commentOf(row), isNew: true };
}

/** What it is about, and who has written that. */
async function findAbout(
  transaction: Transaction<Schema>,
  { subject, articleAuthorId }: PostedComment,
): Promise<{ authorId: string; articleId: bigint; bookId: number }> {
  if (subject.kind === "article") return { authorId: articleAuthorId, articleId: BigInt(subject.id), bookId: 0 };
  const query = transaction.selectFrom("reviews").select(["user_id", "book_id"]).where("id", "=", subject.id);
  const review = (await query.executeTakeFirst()) ?? refuseUnknownReview();
  return { authorId: review.user_id, articleId: 0n, bookId: review.book_id };
}

/** Counts an answer to a comment. @returns the comment. */
async function answer(transaction: Transaction<Schema>, subject: string, id: number): Promise<Selectable<CommentRow>> {
  const parent = await transaction
    .updateTable("comments")
    .set((update) => ({ answer_count: update("answer_count", "+", 1) }))
    .where("id", "=", id)
    .where("is_deleted", "=", 0)
    .returningAll()
    .executeTakeFirst();
  if (parent === undefined) refuseUnknownComment();
  if (parent.subject !== subject) throw invalidField("parent_comment_id", "must be a comment on the same");
  return parent;
}

async function nextId(transaction: Transaction<Schema>): Promise<number> {
  const { last_id } = await transaction
    .updateTable("comment_numbers")
    .set((update) => ({ last_id: update("last_id", "+", 1) }))
    .returning("last_id")
    .executeTakeFirstOrThrow();
  return last_id;
}

/** Removes a comment, or empties it if it has answers. @returns whether the user had such a comment. */
async function remove(
  transaction: Transaction<Schema>,
  userId: string,
  { id, subject }: Pick<CommentRow, "id" | "subject">,
): Promise<boolean> {
  await countComments(transaction, subject, 0);
  const { numUpdatedRows } = await transaction
    .updateTable("comments")
    .set({ content: "", author_name: "", edited_at_ms: null, is_deleted: 1 })
    .where("id", "=", id)
    .where("user_id", "=", userId)
    .where("is_deleted", "=", 0)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await countComments(transaction, subject, -1);
  await removeUnanswered(transaction, id);
  return true;
}

/** Deletes all comments of a user, as delete() does it, and who has written those that keep a place before their answers. */
export async function removeCommentsOf(transaction: Transaction<Schema>, userId: string): Promise<void> {
  const query = transaction.selectFrom("comments").select(["id", "subject"]).where("user_id", "=", userId);
  // In an order, so that no two of these wait for each other.
  const comments = await query.where("is_deleted", "=", 0).orderBy("subject").orderBy("id").execute();
  for (const comment of comments) await remove(transaction, userId, comment);
  await transaction
    .updateTable("comments")
    // No user has this key, which has to be another one for each.
    .set({ user_id: "", idempotency_key: sql<string>`'deleted ' || id`, fingerprint: "" })
    .where("user_id", "=", userId)
    .execute();
}

/**
 * Removes an empty comment that has no answers, then the one that it answered if that is empty too, and so on.
 *
 * One statement: a chain may be as long as people like, and others wait for the subject.
 */
async function removeUnanswered(transaction: Transaction<Schema>, id: number): Promise<void> {
  const removed = await transaction
    .withRecursive("unanswered(id, parent_id)", (query) =>
      query
        .selectFrom("comments")
        .select(["id", "parent_id"])
        .where("id", "=", id)
        .where("is_deleted", "=", 1)
        .where("answer_count", "=", 0)
        .unionAll(
          query
            .selectFrom("comments")
            .innerJoin("unanswered", "unanswered.parent_id", "comments.id")
            .select(["comments.id", "comments.parent_id"])
            .where("is_deleted", "=", 1)
            // The one that goes.
            .where("answer_count", "=", 1),
        ),
    )
    .deleteFrom("comments")
    .where("id", "in", (query) => query.selectFrom("unanswered").select("id"))
    .returning(["id", "parent_id"])
    .execute();
  const gone = new Set(removed.map((row) => row.id));
  const top = removed.find((row) => !gone.has(row.parent_id));
  if (top === undefined || top.parent_id === 0) return;
  await transaction
    .updateTable("comments")
    .set((update) => ({ answer_count: update("answer_count", "-", 1) }))
    .where("id", "=", top.parent_id)
    .execute();
}

function commentOf(row: Selectable<CommentRow>): Comment {
  const { id, content } = row;
  return {
    ...{ id, content, subject: subjectOf(row.subject), parentId: row.parent_id, threadId: row.thread_id },
    ...{ userId: row.user_id, authorName: row.author_name, createdAt: new Date(row.created_at_ms) },
    editedAt: row.edited_at_ms === null ? undefined : new Date(row.edited_at_ms),
    deleted: row.is_deleted === 1,
  };
}
