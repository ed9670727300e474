import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ReviewsClient } from "../../../clients/reviews.ts";
import type { Review } from "../../../gen/bookstore/reviews/v1/reviews_service.ts";
import { type BookStore, getBook } from "../book.ts";
import { bookId } from "./book-address.ts";
import { orExplain } from "./failure-pages.ts";
import { orShowProblems } from "./form-failures.ts";
import { LONG_FORM_BYTES, longText, text } from "./form-schema.ts";
import { unlessGone } from "./not-found.ts";
import { optional, PATIENCE_MS } from "./optional.ts";
import { showPage } from "./page.ts";
import type { Problems } from "./pages/form.ts";
import { problemPage } from "./pages/problem.ts";
import { type BookReviews, type ReviewForm, reviewPage } from "./pages/reviews.ts";
import { onlyForUsers } from "./signed-in.ts";
import { userIdOf, visitorOf } from "./visitor.ts";

export interface ReviewsDeps {
  store: BookStore;
  reviews: Pick<ReviewsClient, "getRatings" | "listReviews" | "getReview" | "writeReview" | "deleteReview">;
}

const REVIEWS_ON_A_PAGE = 10;

const AWAY = problemPage("Reviews are taking a break", "The shop is open all the same. Please try again in a minute.");
const GONE = { status: 409, problems: { message: "There is no account any more that could review.", fields: {} } };
const FAILURES = {
  fields: ["rating", "text"],
  reasons: { USER_NOT_REGISTERED: GONE },
  otherwise: "Reviews are taking a break. What you have written is still here.",
};

const written = {
  body: { type: "object", properties: { rating: text, text: longText }, additionalProperties: false },
};

/** What readers of the shop say of a book. @returns undefined while reviews is away. */
export async function reviewsOf(
  { reviews }: Pick<ReviewsDeps, "reviews">,
  request: FastifyRequest,
  { bookId, page }: { bookId: number; page: string },
): Promise<BookReviews | undefined> {
  const patience = { deadlineMs: PATIENCE_MS };
  const parts = Promise.all([
    reviews.getRatings({ bookIds: [bookId] }, patience),
    reviews.listReviews({ bookId, pageSize: REVIEWS_ON_A_PAGE, pageToken: page }, patience),
    visitorOf(request).kind === "signed in" ? ownReview(reviews, userIdOf(request), bookId, patience) : undefined,
  ]);
  const found = await optional(parts);
  if (found === undefined) return undefined;
  const [{ ratings }, { reviews: some, nextPageToken }, own] = found;
  return { rating: ratings[0]?.rating, reviews: some, nextPage: nextPageToken, own };
}

/** Where users say what they think of a book. */
export function reviewRoutes(app: FastifyInstance, { store, reviews }: ReviewsDeps): void {
  onlyForUsers(app);
  type ById = { Params: { id: number } };

  app.get<ById>("/books/:id/review", { schema: bookId }, async (request, reply) => {
    const book = await getBook(store, request.params.id);
    const show = async () => {
      const own = await ownReview(reviews, userIdOf(request), book.id);
      return showPage(reply, reviewPage(book, { rating: String(own?.rating ?? ""), text: own?.text ?? "" }, own !== undefined));
    };
    return orExplain(reply, show, { otherwise: AWAY });
  });

  app.post<ById & { Body: ReviewForm }>(
    "/books/:id/review",
    { schema: { ...bookId, ...written }, bodyLimit: LONG_FORM_BYTES },
    async (request, reply) => {
      const book = await getBook(store, request.params.id);
      const { rating, text } = request.body;
      const write = async () => {
        await reviews.writeReview({
          userId: userIdOf(request),
          bookId: book.id,
          rating: /^\d$/.test(rating) ? Number(rating) : 0,
          text,
        });
        return reply.redirect(`/books/${book.id}#reviews`, 303);
      };
      const show = async (problems: Problems) => {
        const own = await optional(ownReview(reviews, userIdOf(request), book.id, { deadlineMs: PATIENCE_MS }));
        return reviewPage(book, request.body, own !== undefined, problems);
      };
      return orShowProblems(reply, write, { ...FAILURES, show });
    },
  );

  app.post<ById>("/books/:id/review/delete", { schema: bookId }, async (request, reply) => {
    const { id } = request.params;
    const remove = async () => {
      await reviews.deleteReview({ userId: userIdOf(request), bookId: id }).catch(unlessGone);
      return reply.redirect(`/books/${id}#reviews`, 303);
    };
    return orExplain(reply, remove, { otherwise: AWAY });
  });
}

async function ownReview(
  reviews: Pick<ReviewsClient, "getReview">,
  userId: string,
  bookId: number,
  options: { deadlineMs?: number } = {},
): Promise<Review | undefined> {
  const answer = await reviews.getReview({ userId, bookId }, options).catch(unlessGone);
  return answer?.review;
}
