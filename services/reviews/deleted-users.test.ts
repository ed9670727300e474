import { randomUUID } from "node:crypto";
import { Status } from "nice-grpc";
import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import type { PostCommentRequest } from "../../gen/bookstore/reviews/v1/reviews_service.ts";
import { testEvent } from "../../test/support/events.ts";
import { startReviews } from "../../test/support/reviews.ts";
import { eventsIn } from "./testing-events.ts";

const ARTICLE = { $case: "articleId", value: 100n } as const;
const deleted = (userId: string) => testEvent(UserDeleted, { userId }, { source: "register", subject: `users/${userId}` });

function comment(userId: string, content: string, more: Partial<PostCommentRequest> = {}) {
  return { userId, content, subject: ARTICLE, authorUserId: "author", idempotencyKey: randomUUID(), ...more };
}

test("takes back the ratings of a deleted user, with what was said about them, and tells of each once", async () => {
  await using reviews = await startReviews();
  const { client, events } = reviews;
  for (const [userId, bookId, rating] of [
    ["ada", 7, 1],
    ["ada", 8, 5],
    ["grace", 7, 4],
  ] as const) {
    await client.writeReview({ userId, bookId, rating, text: `${userId} on ${bookId}` });
  }
  const { review } = await client.getReview({ userId: "ada", bookId: 8 });
  const subject = { $case: "reviewId", value: review?.id ?? "" } as const;
  await client.postComment(comment("grace", "so true", { subject, authorUserId: "" }));
  const before = (await eventsIn(reviews)).length;

  const event = deleted("ada");
  for (let time = 0; time < 3; time++) await events.handle(event);

  expect(await client.getRatings({ bookIds: [7, 8] })).toEqual({
    ratings: [{ bookId: 7, rating: { average: 4, count: 1n } }],
  });
  expect((await client.listReviews({ bookId: 7 })).reviews.map(({ text }) => text)).toEqual(["grace on 7"]);
  expect((await client.listReviews({ bookId: 8 })).reviews).toEqual([]);
  expect((await client.listComments({ subject })).comments).toEqual([]);
  expect((await eventsIn(reviews)).slice(before).map(([type, about]) => [type, about])).toEqual([
    ["BookRatingRemoved", "books/7/ratings/ada"],
    ["BookRatingRemoved", "books/8/ratings/ada"],
  ]);
});

test("removes the comments of a deleted user, and empties those that others have answered", async () => {
  await using reviews = await startReviews();
  const { client, events, store } = reviews;
  const post = async (...args: Parameters<typeof comment>) => (await client.postComment(comment(...args))).comment?.id ?? 0n;
  const first = await post("ada", "first");
  await post("grace", "an answer", { parentCommentId: first });
  const second = await post("ada", "second");
  await post("ada", "an answer to myself", { parentCommentId: second });
  const emptied = await post("ada", "third");
  await post("grace", "another answer", { parentCommentId: emptied });
  await client.deleteComment({ userId: "ada", commentId: emptied });

  await events.handle(deleted("ada"));

  const { comments } = await client.listComments({ subject: ARTICLE });
  expect(comments.map(({ content, authorName, deleted: gone }) => [content, authorName, gone])).toEqual([
    ["", "", true],
    ["another answer", "Reader grace", false],
    ["", "", true],
    ["an answer", "Reader grace", false],
  ]);
  const rows = await store.db.selectFrom("comments").select(["user_id", "fingerprint"]).where("is_deleted", "=", 1).execute();
  expect(rows).toEqual([
    { user_id: "", fingerprint: "" },
    { user_id: "", fingerprint: "" },
  ]);
  const counts = await store.db.selectFrom("comment_subjects").select("comment_count").execute();
  expect(counts).toEqual([{ comment_count: 2 }]);

  // The places go with what they were kept for.
  for (const id of [2n, 6n]) await client.deleteComment({ userId: "grace", commentId: id });
  expect((await client.listComments({ subject: ARTICLE })).comments).toEqual([]);
});

test("takes nothing more of a deleted user whose access token is good still", async () => {
  await using reviews = await startReviews();
  const { client, events } = reviews;
  await events.handle(deleted("ada"));

  const refused = { code: Status.FAILED_PRECONDITION, reason: "USER_NOT_REGISTERED" };
  await expect(client.writeReview({ userId: "ada", bookId: 7, rating: 5 })).rejects.toMatchObject(refused);
  await expect(client.postComment(comment("ada", "hello"))).rejects.toMatchObject(refused);

  expect(await eventsIn(reviews)).toEqual([]);
});

test("leaves nothing of what a user writes in the moment of the deletion", async () => {
  await using reviews = await startReviews();
  const { client, events, store } = reviews;
  const writing = Array.from({ length: 20 }, (_, i) =>
    Promise.allSettled([
      client.writeReview({ userId: "ada", bookId: i + 1, rating: 5 }),
      client.postComment(comment("ada", `${i}`)),
    ]),
  );
  await Promise.race(writing);

  await events.handle(deleted("ada"));
  await Promise.all(writing);

  expect(await store.db.selectFrom("reviews").selectAll().execute()).toEqual([]);
  expect(await store.db.selectFrom("comments").selectAll().execute()).toEqual([]);
  const rated = (await eventsIn(reviews)).filter(([type]) => type === "BookRated").length;
  const removed = (await eventsIn(reviews)).filter(([type]) => type === "BookRatingRemoved").length;
  expect(removed).toBe(rated);
});
