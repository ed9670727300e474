import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ReviewsClient } from "../../../clients/reviews.ts";
import type { Book } from "../../../gen/bookstore/catalog/v1/book.ts";
import type { Comment } from "../../../gen/bookstore/reviews/v1/reviews_service.ts";
import { type BookStore, getBook } from "../book.ts";
import { bookNumber } from "./book-address.ts";
import { orExplain } from "./failure-pages.ts";
import { orShowProblems } from "./form-failures.ts";
import { LONG_FORM_BYTES, longText, text } from "./form-schema.ts";
import { unlessGone } from "./not-found.ts";
import { showPage } from "./page.ts";
import { type CommentsParts, changeCommentPage, commentsPage } from "./pages/comments.ts";
import type { Problems } from "./pages/form.ts";
import { problemPage } from "./pages/problem.ts";
import { REVIEWS_ON_A_PAGE } from "./reviews.ts";
import { onlyForUsers } from "./signed-in.ts";
import { userIdOf, visitorOf } from "./visitor.ts";

export interface CommentsDeps {
  store: BookStore;
  reviews: Pick<
    ReviewsClient,
    "listReviews" | "listComments" | "listOwnComments" | "postComment" | "editComment" | "deleteComment"
  >;
}

const COMMENTS_ON_A_PAGE = 50;
const MOST_OWN = 100;

const AWAY = problemPage("Reviews are taking a break", "The shop is open all the same. Please try again in a minute.");
const NOT_THERE = problemPage("Comment not found", "You have no such comment, or have it no more.");
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
const onReview = { type: "object", properties: { id: bookNumber, review: id } };
const onComment = { type: "object", properties: { ...onReview.properties, comment: number } };
const posted = {
  type: "object",
  properties: {
    content: longText,
    key: { type: "string", pattern: "^[0-9A-Za-z-]{16,64}$" },
    answer: { ...number, default: "0" },
  },
  required: ["key"],
  additionalProperties: false,
};
const changed = { type: "object", properties: { content: longText }, additionalProperties: false };
const query = { querystring: { type: "object", properties: { reviews: text, page: text, answer: { ...number, default: "0" } } } };

interface Address {
  Params: { id: number; review: string };
  Querystring: { reviews: string; page: string; answer: string };
}
type OfComment = Address & { Params: { comment: string } };

/** What people say about a review of a book. Everybody may read it. */
export function commentRoutes(app: FastifyInstance, { store, reviews }: CommentsDeps): void {
  const address = { schema: { params: onReview, ...query } };

  app.get<Address>("/books/:id/reviews/:review", address, async (request, reply) => {
    const book = await getBook(store, request.params.id);
    const show = async () => showPage(reply, commentsPage(await partsOf(request, book)));
    return orExplain(reply, show, { otherwise: AWAY });
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
          return reply.redirect(`${pathOf(request)}#comment-${comment?.id}`, 303);
        };
        const known = await partsOf(request, book).catch(() => undefined);
        const show = (problems: Problems) =>
          commentsPage({
            ...(known ?? bareParts(request, book)),
            answerTo: BigInt(answer),
            content,
            problems,
            key: keyAfter(problems, key),
          });
        return orShowProblems(reply, post, { ...FAILURES, show });
      },
    );

    const one = { schema: { params: onComment, ...query } };
    forUsers.get<OfComment>("/books/:id/reviews/:review/comments/:comment", one, async (request, reply) => {
      const show = async () => {
        const comment = (await ownComments(request)).find(({ id }) => id === BigInt(request.params.comment));
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
          return reply.redirect(`${pathOf(request)}#comment-${request.params.comment}`, 303);
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

  async function partsOf(request: FastifyRequest, book: Book): Promise<CommentsParts> {
    const { reviews: reviewsPage, page } = request.query as Address["Querystring"];
    const { review: reviewId } = request.params as Address["Params"];
    const [{ comments, nextPageToken }, { reviews: some }, own] = await Promise.all([
      reviews.listComments({ subject: { $case: "reviewId", value: reviewId }, pageSize: COMMENTS_ON_A_PAGE, pageToken: page }),
      reviews.listReviews({ bookId: book.id, pageSize: REVIEWS_ON_A_PAGE, pageToken: reviewsPage }),
      visitorOf(request).kind === "signed in" ? ownComments(request) : undefined,
    ]);
    const rest = new URLSearchParams({ ...(reviewsPage !== "" && { reviews: reviewsPage }), page: nextPageToken });
    return {
      ...bareParts(request, book),
      review: some.find(({ id }) => id === reviewId),
      comments,
      next: nextPageToken === "" ? undefined : `/books/${book.id}/reviews/${reviewId}?${rest}`,
      own: own && new Set(own.map(({ id }) => id)),
    };
  }

  async function ownComments(request: FastifyRequest): Promise<Comment[]> {
    const { review: reviewId } = request.params as Address["Params"];
    const { comments } = await reviews.listOwnComments({
      userId: userIdOf(request),
      subject: { $case: "reviewId", value: reviewId },
      pageSize: MOST_OWN,
    });
    return comments;
  }
}

/** The page without what nobody can say now. */
function bareParts(request: FastifyRequest, book: Book): CommentsParts {
  const { answer } = request.query as Address["Querystring"];
  const own = visitorOf(request).kind === "signed in" ? new Set<bigint>() : undefined;
  return {
    ...{ book, own, path: pathOf(request), review: undefined, comments: [], next: undefined },
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
  const { reviews } = request.query as Address["Querystring"];
  return `/books/${id}/reviews/${review}${reviews === "" ? "" : `?${new URLSearchParams({ reviews })}`}`;
}

function pathsOf(request: FastifyRequest): { self: string; back: string } {
  const { comment } = request.params as OfComment["Params"];
  const back = pathOf(request);
  const [path = "", query] = back.split("?");
  return { back, self: `${path}/comments/${comment}${query === undefined ? "" : `?${query}`}` };
}
