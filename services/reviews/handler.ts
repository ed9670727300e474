import type {
  Comment as CommentMessage,
  ListCommentsRequest,
  Review as ReviewMessage,
  ReviewsServiceImplementation,
} from "../../gen/bookstore/reviews/v1/reviews_service.ts";
import { invalidField } from "../../runtime/errors.ts";
import { decodePageToken, encodePageToken, pageOf } from "../../runtime/page-token.ts";
import {
  type Comment,
  type CommentDeps,
  type CommentPosition,
  type CommentStore,
  deleteComment,
  editComment,
  pageWith,
  postComment,
  type Subject,
} from "./comment.ts";
import { deleteReview, getReview, type Review, type ReviewDeps, writeReview } from "./review.ts";

const DEFAULT_PAGE_SIZE = 20;

/** Implements bookstore.reviews.v1.ReviewsService. */
export function reviewsHandler(deps: ReviewDeps & CommentDeps): ReviewsServiceImplementation {
  const { reviews, comments } = deps;
  return {
    async writeReview(request) {
      return { review: reviewMessageOf(await writeReview(deps, request)) };
    },

    async getReview({ userId, bookId }) {
      return { review: reviewMessageOf(await getReview(reviews, userId, bookId)) };
    },

    async deleteReview({ userId, bookId }) {
      await deleteReview(reviews, userId, bookId);
      return {};
    },

    async listReviews({ bookId, pageSize, pageToken }) {
      const bound = { reviewsOf: bookId };
      const position = decodePageToken(pageToken, bound, ["number", "string"]);
      const after = position && { createdAtMs: position[0], id: position[1] };
      const { page, last } = await pageOf(pageSize || DEFAULT_PAGE_SIZE, (limit) => reviews.list(bookId, after, limit));
      return {
        reviews: page.map(reviewMessageOf),
        nextPageToken: last ? encodePageToken([last.createdAt.getTime(), last.id], bound) : "",
      };
    },

    async getRatings({ bookIds }) {
      const ratings = await reviews.ratings([...new Set(bookIds)]);
      return { ratings: ratings.map(({ bookId, average, count }) => ({ bookId, rating: { average, count: BigInt(count) } })) };
    },

    async postComment({ subject, authorUserId, parentCommentId, ...request }) {
      const parentId = Number(parentCommentId);
      const input = { ...request, subject: requireSubject(subject), articleAuthorId: authorUserId, parentId };
      return { comment: commentMessageOf(await postComment(deps, input)) };
    },

    async editComment({ userId, commentId, content }) {
      return { comment: commentMessageOf(await editComment(deps, userId, Number(commentId), content)) };
    },

    async deleteComment({ userId, commentId }) {
      await deleteComment(comments, userId, Number(commentId));
      return {};
    },

    async listComments(request) {
      const size = request.pageSize || DEFAULT_PAGE_SIZE;
      const { subject, after } = await placeOf(comments, request, size);
      const [{ page, last }, review] = await Promise.all([
        pageOf(size, (limit) => comments.list(subject, after, limit)),
        subject.kind === "review" ? reviews.find(subject.id) : undefined,
      ]);
      return {
        comments: page.map(commentMessageOf),
        nextPageToken: last ? encodePageToken([last.threadId, last.id], { commentsOn: subject }) : "",
        review: review && reviewMessageOf(review),
      };
    },

    async listOwnComments({ userId, subject: said, commentIds, pageSize, pageToken }) {
      const which = { subject: subjectOf(said), ids: commentIds.length === 0 ? undefined : commentIds.map(Number) };
      const bound = { commentsOf: userId, ...which };
      const [beforeId] = decodePageToken(pageToken, bound, ["number"]) ?? [];
      const { page, last } = await pageOf(pageSize || DEFAULT_PAGE_SIZE, (limit) =>
        comments.listOwn(userId, which, beforeId, limit),
      );
      return { comments: page.map(commentMessageOf), nextPageToken: last ? encodePageToken([last.id], bound) : "" };
    },
  };
}

/** What to list the Comments on, and behind which one the page begins. */
async function placeOf(
  comments: CommentStore,
  { subject: said, pageToken }: ListCommentsRequest,
  size: number,
): Promise<{ subject: Subject; after: CommentPosition | undefined }> {
  if (said?.$case === "commentId") {
    if (pageToken !== "") throw invalidField("page_token", "must be empty for the page of a comment");
    return pageWith(comments, Number(said.value), size);
  }
  const subject = requireSubject(said);
  const position = decodePageToken(pageToken, { commentsOn: subject }, ["number", "number"]);
  return { subject, after: position && { threadId: position[0], id: position[1] } };
}

function requireSubject(said: CommentMessage["subject"]): Subject {
  const subject = subjectOf(said);
  if (subject === undefined) throw invalidField("subject", "is required: article_id or review_id");
  return subject;
}

function subjectOf(said: CommentMessage["subject"]): Subject | undefined {
  if (said === undefined) return undefined;
  return said.$case === "articleId" ? { kind: "article", id: Number(said.value) } : { kind: "review", id: said.value };
}

/** Without whose it is. */
function reviewMessageOf(review: Review): ReviewMessage {
  const { id, bookId, rating, text, authorName, createdAt, updatedAt, commentCount } = review;
  return { id, bookId, rating, text, authorName, createTime: createdAt, updateTime: updatedAt, commentCount };
}

/** Without whose it is. */
function commentMessageOf({ id, subject, parentId, threadId, createdAt, editedAt, ...comment }: Comment): CommentMessage {
  const { content, authorName, deleted } = comment;
  return {
    ...{ id: BigInt(id), parentCommentId: BigInt(parentId), threadId: BigInt(threadId), content, authorName, deleted },
    subject:
      subject.kind === "article" ? { $case: "articleId", value: BigInt(subject.id) } : { $case: "reviewId", value: subject.id },
    ...{ createTime: createdAt, editTime: editedAt },
  };
}
