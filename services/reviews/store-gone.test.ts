import { Status } from "nice-grpc";
import { reviewsClient } from "../../clients/reviews.ts";
import { ReviewsServiceDefinition } from "../../gen/bookstore/reviews/v1/reviews_service.ts";
import { startService } from "../../test/support/service.ts";
import { reviewsHandler } from "./handler.ts";

const UNAVAILABLE = { code: Status.UNAVAILABLE, details: "the store cannot be reached" };
const SUBJECT = { $case: "articleId", value: 100n } as const;

test("says UNAVAILABLE when the store cannot be reached, and logs why but nobody's words", async () => {
  const refused = async (): Promise<never> => {
    throw Object.assign(new Error("connect ECONNREFUSED 10.0.0.7:5432"), { code: "ECONNREFUSED" });
  };
  const store = {
    reviews: { write: refused, get: refused, find: refused, delete: refused, list: refused, ratings: refused },
    comments: { post: refused, edit: refused, delete: refused, find: refused, list: refused, listOwn: refused },
  };
  const others = { findAuthor: async () => ({ name: "" }), hasBook: async () => true, newId: () => "1", now: () => new Date() };
  await using reviews = await startService({
    add: (server, logger) => server.add(ReviewsServiceDefinition, reviewsHandler({ ...store, ...others, logger })),
    client: reviewsClient,
  });
  const { client } = reviews;
  const comment = { userId: "a", subject: SUBJECT, authorUserId: "b", content: "canary", idempotencyKey: "1" };

  const calls = [
    () => client.writeReview({ userId: "a", bookId: 7, rating: 1, text: "canary" }),
    () => client.getReview({ userId: "a", bookId: 7 }),
    () => client.deleteReview({ userId: "a", bookId: 7 }),
    () => client.listReviews({ bookId: 7 }),
    () => client.getRatings({ bookIds: [7] }),
    () => client.postComment(comment),
    () => client.editComment({ userId: "a", commentId: 1n, content: "canary" }),
    () => client.deleteComment({ userId: "a", commentId: 1n }),
    () => client.listComments({ subject: SUBJECT }),
    () => client.listOwnComments({ userId: "a" }),
  ];
  for (const call of calls) await expect(call()).rejects.toMatchObject(UNAVAILABLE);
  const errors = reviews.logs.with({ level: 50 });
  // Some calls are tried again.
  expect(new Set(errors.map(({ path }) => path)).size).toBe(calls.length);
  for (const { err } of errors) expect(err).toMatchObject({ message: expect.stringContaining("10.0.0.7") });
  expect(JSON.stringify(reviews.logs.all)).not.toContain("canary");
});
