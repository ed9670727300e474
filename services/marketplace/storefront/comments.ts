import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ReviewsClient } from "../../../clients/reviews.ts";
import type { Book } from "../../../gen/bookstore/catalog/v1/book.ts";
import type { Comment, ListCommentsResponse } from "../../../gen/bookstore/reviews/v1/reviews_service.ts";
import { type BookStore, getBook } from "../book.ts";
import { bookNumber } from "./book-address.ts";
import { orExplain } from "./failure-pages.ts";
import { orShowProblems } from "./form-failures.ts";
import { LONG_FORM_BYTES, longText, text } from "./form-schema.ts";
import { unlessGone } from "./not-found.ts";
import { optional, PATIENCE_MS } from "./optional.ts";
import { showPage } from "./page.ts";
import { type CommentsParts, changeCommentPage, commentsPage, withComment } from "./pages/comments.ts";
import type { Problems } from "./pages/form.ts";
import { problemPage } from "./pages/problem.ts";
import { commentsPath } from "./pages/reviews.ts";
import { onlyForUsers } from "./signed-in.ts";
import { userIdOf, visitorOf } from "./visitor.ts";

export interface CommentsDeps {
  store: BookStore;
  reviews: Pick<ReviewsClient, "listComments" | "listOwnComments" | "postComment" | "editComment" | "deleteComment">;
}

const COMMENTS_ON_A_PAGE = 50;

const AWAY = problemPage("Reviews are taking a break", "The shop is open all the same. Please try again in a minute.");
const NOT_THERE = problemPage("Comment not found", "You have no such comment, or have it no more.");
const GONE = problemPage("Comment not found", "It was taken back, or what it was about.");
const NO_REVIEW = problemPage("Review not found", "It was taken back, or is of another book.");
const FAILURES = {
  fields: ["content"],
  reasons: {
    USER_NOT_REGISTERED: { status: 409, problems: { message: "There is no account any more that could comment.", fields: {} } },
    REVIEW_NOT_FOUND: {
      status: 404,
      problems: { message: "The review was taken back. Nobody can comment on it any more.", fields: {} },
    },
    COMMENT_NOT_FOUND: { status: 404, problems: { message: "The comment was taken back meanwhile.", fields: {} } },
    IDEMPOTENCY_KEY_REUSED: {
      status: 409,
      problems: { message: "You have sent this form before. If you send it again, both stand there.", fields: {} },
    },
  },
  otherwise: "Reviews are taking a break. What you have written is still here.",
};

const id = { type: "string", pattern: "^[0-9A-Za-z-]{1,36}$" };
const number = { type: "string", pattern: "^[0-9]{1,15}$" };
const numberOrNone = { ...number, default: "0" };
const onReview = { type: "object", properties: { id: bookNumber, review: id } };
const onComment = { type: "object", properties: { ...onReview.properties, comment: number } };
const posted = {
  type: "object",
  properties: {
    content: longText,
    key: { type: "string", pattern: "^[0-9A-Za-z-]{16,64}$" },
    answer: numberOrNone,
  },
  required: ["key"],
  additionalProperties: false,
};
const changed = { type: "object", properties: { content: longText }, additionalProperties: false };
const query = { querystring: { type: "object", properties: { page: text, comment: numberOrNone, answer: numberOrNone } } };

interface Address {
  Params: { id: number; review: string };
  /** `page` is a token. Without it, the page is the one that shows what is answered, or else the comment. */
  Querystring: { page: string; comment: string; answer: string };
}
interface CallOptions {
  deadlineMs?: number;
}
type OfComment = Address & { Params: { comment: string } };

/** What people say about a review of a book. Everybody may read it. */
export function commentRoutes(app: FastifyInstance, { store, reviews }: CommentsDeps): void {
  const address = { schema: { params: onReview, ...query } };

  app.get<Address>("/books/:id/reviews/:review", address, async (request, reply) => {
    const book = await getBook(store, request.params.id);
    const show = async () => {
      const parts = await partsOf(request, book, request.query.answer);
      return parts === undefined ? showPage(reply.status(404), NO_REVIEW) : showPage(reply, commentsPage(parts));
    };
    return orExplain(reply, show, { otherwise: AWAY });
  });

  const alone = { schema: { params: { type: "object", properties: { comment: number } } } };
  app.get<{ Params: { comment: string } }>("/comments/:comment", alone, async (request, reply) => {
    const lead = async () => {
      const value = BigInt(request.params.comment);
      const found = await reviews.listComments({ subject: { $case: "commentId", value }, pageSize: 1 }).catch(unlessGone);
      if (found?.review === undefined) return showPage(reply.status(404), GONE);
      return reply.redirect(withComment(commentsPath(found.review), value), 303);
    };
    return orExplain(reply, lead, { otherwise: AWAY });
  });

  app.register(async (forUsers) => {
    onlyForUsers(forUsers);

    forUsers.post<Address & { Body: { content: string; key: string; answer: string } }>(
      "/books/:id/reviews/:review",
      { schema: { params: onReview, ...query, body: posted }, bodyLimit: LONG_FORM_BYTES },
      async (request, reply) => {
        const book = await getBook(store, request.params.id);
        const { content, key, answer } = request.body;
        const post = async () => {
          const { comment } = await reviews.postComment({
            ...{ userId: userIdOf(request), subject: { $case: "reviewId", value: request.params.review } as const },
            ...{ parentCommentId: BigInt(answer), content, idempotencyKey: key },
          });
          return reply.redirect(withComment(pathOf(request), comment?.id ?? 0n), 303);
        };
        const show = async (problems: Problems) => {
          const known = await optional(partsOf(request, book, answer, { deadlineMs: PATIENCE_MS }));
          const parts = known ?? bareParts(request, book, answer);
          return commentsPage({ ...parts, content, problems, key: keyAfter(problems, key) });
        };
        return orShowProblems(reply, post, { ...FAILURES, show });
      },
    );

    const one = { schema: { params: onComment, ...query } };
    forUsers.get<OfComment>("/books/:id/reviews/:review/comments/:comment", one, async (request, reply) => {
      const show = async () => {
        const [comment] = await ownComments(request, [BigInt(request.params.comment)]);
        if (comment === undefined) return showPage(reply.status(404), NOT_THERE);
        return showPage(reply, changeCommentPage(pathsOf(request), comment.content));
      };
      return orExplain(reply, show, { otherwise: AWAY });
    });

    forUsers.post<OfComment & { Body: { content: string } }>(
      "/books/:id/reviews/:review/comments/:comment",
      { schema: { ...one.schema, body: changed }, bodyLimit: LONG_FORM_BYTES },
      async (request, reply) => {
        const { content } = request.body;
        const change = async () => {
          await reviews.editComment({ userId: userIdOf(request), commentId: BigInt(request.params.comment), content });
          return reply.redirect(pathsOf(request).back, 303);
        };
        const show = (problems: Problems) => changeCommentPage(pathsOf(request), content, problems);
        return orShowProblems(reply, change, { ...FAILURES, show });
      },
    );

    forUsers.post<OfComment>("/books/:id/reviews/:review/comments/:comment/delete", one, async (request, reply) => {
      const remove = async () => {
        const commentId = BigInt(request.params.comment);
        await reviews.deleteComment({ userId: userIdOf(request), commentId }).catch(unlessGone);
        return reply.redirect(`${pathOf(request)}#comments`, 303);
      };
      return orExplain(reply, remove, { otherwise: AWAY });
    });
  });

  /** @returns undefined if the book has no such review. */
  async function partsOf(
    request: FastifyRequest,
    book: Book,
    answer: string,
    options: CallOptions = {},
  ): Promise<CommentsParts | undefined> {
    const { review, comments, nextPageToken } = await commentsFor(request, answer, options);
    if (review?.bookId !== book.id) return undefined;
    const isUser = visitorOf(request).kind === "signed in";
    const own = isUser
      ? await ownComments(
          request,
          comments.map(({ id }) => id),
          options,
        )
      : undefined;
    const next = nextPageToken === "" ? undefined : `${pathOf(request)}?${new URLSearchParams({ page: nextPageToken })}`;
    return { ...bareParts(request, book, answer), review, comments, next, own: own && new Set(own.map(({ id }) => id)) };
  }

  /** The page of comments that is asked for: the first one if the comment that it is to show is gone. */
  async function commentsFor(request: FastifyRequest, answer: string, options: CallOptions): Promise<ListCommentsResponse> {
    const { page, comment } = request.query as Address["Querystring"];
    const { review: reviewId } = request.params as Address["Params"];
    const shown = BigInt(answer) || BigInt(comment);
    if (page === "" && shown !== 0n) {
      const subject = { $case: "commentId", value: shown } as const;
      const found = await reviews.listComments({ subject, pageSize: COMMENTS_ON_A_PAGE }, options).catch(unlessGone);
      if (found?.review?.id === reviewId) return found;
    }
    const subject = { $case: "reviewId", value: reviewId } as const;
    return reviews.listComments({ subject, pageSize: COMMENTS_ON_A_PAGE, pageToken: page }, options);
  }

  /** Those of some comments on the review that the user has written. */
  async function ownComments(request: FastifyRequest, commentIds: bigint[], options: CallOptions = {}): Promise<Comment[]> {
    if (commentIds.length === 0) return [];
    const { review: reviewId } = request.params as Address["Params"];
    const subject = { $case: "reviewId", value: reviewId } as const;
    const asked = { userId: userIdOf(request), subject, commentIds, pageSize: commentIds.length };
    return (await reviews.listOwnComments(asked, options)).comments;
  }
}

/** The page without what nobody can say now. */
function bareParts(request: FastifyRequest, book: Book, answer: string): CommentsParts {
  const { page, comment } = request.query as Address["Querystring"];
  const own = visitorOf(request).kind === "signed in" ? new Set<bigint>() : undefined;
  return {
    ...{ book, own, path: pathOf(request), here: request.url, review: undefined, comments: [], next: undefined },
    isFirst: page === "" && comment === "0" && answer === "0",
    answerTo: BigInt(answer),
    key: randomUUID(),
  };
}

/** A form that was sent before needs another key; one of which nobody knows must not get one. */
function keyAfter(problems: Problems, key: string): string {
  return problems === FAILURES.reasons.IDEMPOTENCY_KEY_REUSED.problems ? randomUUID() : key;
}

/** The address of the comments on a review. */
function pathOf(request: FastifyRequest): string {
  const { id, review } = request.params as Address["Params"];
  return commentsPath({ bookId: id, id: review });
}

function pathsOf(request: FastifyRequest): { self: string; back: string } {
  const { comment } = request.params as OfComment["Params"];
  const path = pathOf(request);
  return { self: `${path}/comments/${comment}`, back: withComment(path, BigInt(comment)) };
}
