import { Status } from "nice-grpc";
import type { PostCommentRequest } from "../../gen/bookstore/reviews/v1/reviews_service.ts";
import { encodePageToken } from "../../runtime/page-token.ts";
import { startReviews } from "../../test/support/reviews.ts";
import { eventsIn } from "./testing-events.ts";

const BOOK = 7;
const SUBJECT = { $case: "articleId", value: 100n } as const;
const COMMENT = { userId: "a", subject: SUBJECT, authorUserId: "author", content: "fine", idempotencyKey: "new" } as const;

/** One service for all: whatever is refused leaves nothing behind. */
let reviews: Awaited<ReturnType<typeof startReviews>>;
beforeAll(async () => {
  reviews = await startReviews();
  await reviews.client.postComment({ ...COMMENT, idempotencyKey: "first" });
});
afterEach(async () => {
  const { comments } = await reviews.client.listComments({ subject: SUBJECT });
  expect(comments).toMatchObject([{ content: "fine", editTime: undefined }]);
  expect((await reviews.client.listReviews({ bookId: BOOK })).reviews).toEqual([]);
  expect(await eventsIn(reviews)).toHaveLength(1);
});
afterAll(() => reviews[Symbol.asyncDispose]());

const invalid = (...violations: object[]) => ({ code: Status.INVALID_ARGUMENT, violations });

test("names every field of a review that is wrong", async () => {
  const request = { userId: "", bookId: -1, rating: 6, text: "x".repeat(4_001) };

  await expect(reviews.client.writeReview(request)).rejects.toMatchObject(
    invalid(
      { field: "user_id", description: "is required" },
      { field: "book_id", description: "must be at least 1" },
      { field: "rating", description: "must be 1 to 5" },
      { field: "text", description: "must be at most 4000 characters long" },
    ),
  );
});

test.each([0, -1, 6, 2_147_483_647])("refuses a rating of %p", async (rating) => {
  await expect(reviews.client.writeReview({ userId: "a", bookId: BOOK, rating })).rejects.toMatchObject(
    invalid({ field: "rating" }),
  );
});

test.each([
  ["none", [], "book_ids"],
  ["more than 100", Array.from({ length: 101 }, (_, i) => i + 1), "book_ids"],
  ["one that is no book", [1, 0], "book_ids[1]"],
])("refuses to give the ratings of %s", async (_what, bookIds, field) => {
  await expect(reviews.client.getRatings({ bookIds })).rejects.toMatchObject(invalid({ field }));
});

test.each<[string, Partial<PostCommentRequest>, string, string]>([
  ["an article without its author", { authorUserId: "" }, "author_user_id", "is required"],
  ["nothing", { subject: undefined }, "subject", "is required: article_id or review_id"],
  ["no article", { subject: { $case: "articleId", value: 0n } }, "article_id", "must be 1 to 9007199254740991"],
  [
    "a review with an author",
    { subject: { $case: "reviewId", value: "x" } },
    "author_user_id",
    "must be empty: who wrote the review is known",
  ],
  ["an article without a key", { idempotencyKey: "" }, "idempotency_key", "is required"],
  ["an article without a user", { userId: "" }, "user_id", "is required"],
])("refuses a comment on %s", async (_what, more, field, description) => {
  await expect(reviews.client.postComment({ ...COMMENT, ...more })).rejects.toMatchObject(invalid({ field, description }));
});

const PRINTABLE = "must match ^[\\P{Cc}\\t\\n\\r]*$";

test.each([
  ["nothing", "", "is required"],
  ["nothing but white space", " \n\u00a0\t", "is required"],
  ["nothing that can be seen", "\u200b\u200d\u2060\u202e", "is required"],
  ["more than 4,000 characters", "🙂".repeat(4_001), "must be at most 4000 characters long"],
  ["a NUL", "a\0b", "must not contain NUL"],
  ["a bell", "a\u0007b", PRINTABLE],
  ["an escape sequence", "\u001b[2J", PRINTABLE],
  ["a control character of eight bits", "a\u0085b", PRINTABLE],
])("refuses a comment of %s, new or changed", async (_what, content, description) => {
  const refused = invalid({ field: "content", description });

  await expect(reviews.client.postComment({ ...COMMENT, content })).rejects.toMatchObject(refused);
  await expect(reviews.client.editComment({ userId: "a", commentId: 1n, content })).rejects.toMatchObject(refused);
});

test.each([
  ["more than 100 comments", Array.from({ length: 101 }, (_, i) => BigInt(i + 1)), "comment_ids"],
  ["what is no comment", [1n, 0n], "comment_ids[1]"],
])("refuses to say which of %s are the user's own", async (_what, commentIds, field) => {
  await expect(reviews.client.listOwnComments({ userId: "a", commentIds })).rejects.toMatchObject(invalid({ field }));
});

const REFUSED_TOKEN = invalid({ field: "page_token" });

test.each([
  ["another book", encodePageToken([3, "a"], { reviewsOf: 8 })],
  ["another shape", encodePageToken([3], { reviewsOf: BOOK })],
  ["no token", "3 OR 1=1"],
])("refuses a page token of %s for reviews", async (_what, pageToken) => {
  await expect(reviews.client.listReviews({ bookId: BOOK, pageToken })).rejects.toMatchObject(REFUSED_TOKEN);
});

test.each([
  ["another article", encodePageToken([3, 4], { commentsOn: { kind: "article", id: 8 } })],
  ["another user", encodePageToken([3], { commentsOf: "b" })],
  ["no token", "3 OR 1=1"],
])("refuses a page token of %s for comments", async (_what, pageToken) => {
  await expect(reviews.client.listComments({ subject: SUBJECT, pageToken })).rejects.toMatchObject(REFUSED_TOKEN);
  await expect(reviews.client.listOwnComments({ userId: "a", pageToken })).rejects.toMatchObject(REFUSED_TOKEN);
  await expect(reviews.client.listComments({ subject: { $case: "commentId", value: 1n }, pageToken })).rejects.toMatchObject(
    REFUSED_TOKEN,
  );
});
