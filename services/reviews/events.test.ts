import { randomUUID } from "node:crypto";
import { Metadata, Status } from "nice-grpc";
import { eventLogClient, eventSource } from "../../clients/events.ts";
import type { PostCommentRequest } from "../../gen/bookstore/reviews/v1/reviews_service.ts";
import { openDatabase } from "../../runtime/database.ts";
import { createLogger } from "../../runtime/logger.ts";
import { CALLER_HEADER } from "../../test/support/plaintext.ts";
import { startReviews } from "../../test/support/reviews.ts";
import type { Schema } from "./schema.ts";
import { migrations } from "./store.ts";
import { eventsIn } from "./testing-events.ts";

const ARTICLE = { $case: "articleId", value: 100n } as const;

function comment(userId: string, content: string, more: Partial<PostCommentRequest> = {}) {
  return { userId, content, subject: ARTICLE, authorUserId: "author", idempotencyKey: randomUUID(), ...more };
}

test("tells the author of an article of a comment on it, once", async () => {
  await using reviews = await startReviews();
  const request = comment("reader", "very good.");

  for (let attempt = 0; attempt < 3; attempt++) await reviews.client.postComment(request);

  expect(await eventsIn(reviews)).toEqual([
    [
      "CommentPosted",
      "comments/author",
      {
        ...{ commentId: 1n, userId: "reader", authorUserId: "author", articleId: 100n, bookId: 0, parentCommentId: 0n },
        content: "very good.",
      },
    ],
  ]);
});

test("tells whoever is answered, not the author of the article", async () => {
  await using reviews = await startReviews();
  const { comment: first } = await reviews.client.postComment(comment("reader", "very good."));

  await reviews.client.postComment(comment("other", "why?", { parentCommentId: first?.id ?? 0n }));

  const [, answer] = await eventsIn(reviews);
  expect(answer).toMatchObject(["CommentPosted", "comments/reader", { authorUserId: "reader", parentCommentId: 1n }]);
});

test("tells the author of a review of a comment on it", async () => {
  await using reviews = await startReviews();
  const { review } = await reviews.client.writeReview({ userId: "reviewer", bookId: 7, rating: 5 });

  const subject = { $case: "reviewId", value: review?.id ?? "" } as const;
  await reviews.client.postComment(comment("reader", "so true", { subject, authorUserId: "" }));

  const [, posted] = await eventsIn(reviews);
  expect(posted).toMatchObject(["CommentPosted", "comments/reviewer", { authorUserId: "reviewer", articleId: 0n, bookId: 7 }]);
});

test("tells nobody what they have said themselves, what was changed or what was deleted", async () => {
  await using reviews = await startReviews();

  const { comment: own } = await reviews.client.postComment(comment("author", "my own article"));
  await reviews.client.postComment(comment("author", "and more", { parentCommentId: own?.id ?? 0n }));
  await reviews.client.editComment({ userId: "author", commentId: 1n, content: "changed" });
  await reviews.client.deleteComment({ userId: "author", commentId: 1n });

  expect(await eventsIn(reviews)).toEqual([]);
});

test("tells nobody of what was refused", async () => {
  await using reviews = await startReviews({ findAuthor: async (id) => (id === "reader" ? { name: "" } : undefined) });

  await expect(reviews.client.postComment(comment("nobody", "x"))).rejects.toThrow();
  await expect(reviews.client.postComment(comment("reader", "x", { parentCommentId: 9n }))).rejects.toThrow();
  await expect(reviews.client.deleteReview({ userId: "reader", bookId: 7 })).rejects.toThrow();

  expect(await eventsIn(reviews)).toEqual([]);
});

test("tells of a rating when it is new, changed or taken back, and not when only the words change", async () => {
  await using reviews = await startReviews();
  const write = (rating: number, text: string) => reviews.client.writeReview({ userId: "a", bookId: 7, rating, text });

  const { review } = await write(2, "");
  await write(2, "in other words");
  await write(3, "in other words");
  await reviews.client.deleteReview({ userId: "a", bookId: 7 });

  const [reviewId, bookId, userId] = [review?.id, 7, "a"];
  expect(await eventsIn(reviews)).toEqual([
    ["BookRated", "books/7/ratings/a", { reviewId, bookId, userId, rating: 2 }],
    ["BookRated", "books/7/ratings/a", { reviewId, bookId, userId, rating: 3 }],
    ["BookRatingRemoved", "books/7/ratings/a", { reviewId, bookId, userId }],
  ]);
});

test("keeps what has happened for a follower who is away, and gives it once when the follower is back", async () => {
  await using reviews = await startReviews();
  await reviews.client.postComment(comment("reader", "while you were away"));

  const client = eventLogClient(reviews.channel, reviews.logger);
  const metadata = Metadata({ [CALLER_HEADER]: "push" });
  const source = eventSource("reviews", {
    followEvents: (request, options) => client.followEvents(request, { ...options, metadata }),
  });
  const positions: number[] = [];
  for await (const { events, position } of source.follow({ afterPosition: 0 }, new AbortController().signal)) {
    positions.push(...events.map((event) => Number(event.position)));
    if (position === 1) await reviews.client.postComment(comment("reader", "while you are there"));
    if (position === 2) break;
  }

  expect(positions).toEqual([1, 2]);
});

test("stores a comment only together with the news of it, and a rating likewise", async () => {
  await using reviews = await startReviews();
  const logger = createLogger({ name: "test", level: "silent" });
  const { db, close } = await openDatabase<Schema>({ url: reviews.url, migrations, logger });
  await db.schema.alterTable("event_log").renameTo("elsewhere").execute();
  const request = comment("reader", "very good.");

  await expect(reviews.client.postComment(request)).rejects.toMatchObject({ code: Status.INTERNAL });
  await expect(reviews.client.writeReview({ userId: "a", bookId: 7, rating: 5 })).rejects.toMatchObject({
    code: Status.INTERNAL,
  });
  expect((await reviews.client.listComments({ subject: ARTICLE })).comments).toEqual([]);
  expect((await reviews.client.listReviews({ bookId: 7 })).reviews).toEqual([]);
  expect((await reviews.client.getRatings({ bookIds: [7] })).ratings).toEqual([]);

  await db.schema.alterTable("elsewhere").renameTo("event_log").execute();
  await close();
  await reviews.client.postComment(request);
  expect(await eventsIn(reviews)).toHaveLength(1);
});
