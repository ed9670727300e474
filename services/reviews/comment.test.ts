import { randomUUID } from "node:crypto";
import { Status } from "nice-grpc";
import type { ReviewsClient } from "../../clients/reviews.ts";
import type { Comment, PostCommentRequest } from "../../gen/bookstore/reviews/v1/reviews_service.ts";
import { startReviews } from "../../test/support/reviews.ts";

const ARTICLE = { $case: "articleId", value: 100n } as const;
const NO_COMMENT = { code: Status.NOT_FOUND, details: "no such comment", reason: "COMMENT_NOT_FOUND" };

/** Posts on article 100 of "author". */
async function post(client: ReviewsClient, userId: string, content: string, more: Partial<PostCommentRequest> = {}) {
  const request = { userId, content, subject: ARTICLE, authorUserId: "author", idempotencyKey: randomUUID(), ...more };
  const { comment } = await client.postComment(request);
  return comment as Comment;
}

/** What is said about a subject, on pages of a size: each comment under the one it answers. */
async function threads(client: ReviewsClient, pageSize = 100, subject: PostCommentRequest["subject"] = ARTICLE) {
  const found: string[] = [];
  let pageToken = "";
  do {
    const page = await client.listComments({ subject, pageSize, pageToken });
    for (const { content, deleted, parentCommentId } of page.comments)
      found.push(`${parentCommentId === 0n ? "" : "> "}${deleted ? "(deleted)" : content}`);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
}

test("keeps a comment on an article, and shows everybody what was said but not by whom", async () => {
  const now = new Date(Date.UTC(2026, 0, 1));
  await using reviews = await startReviews({ now: () => now });

  const comment = await post(reviews.client, "7434029", "very good.");

  expect(comment).toEqual({
    ...{ id: 1n, subject: ARTICLE, parentCommentId: 0n, threadId: 1n, content: "very good." },
    ...{ authorName: "Reader 7434029", createTime: now, editTime: undefined, deleted: false },
  });
  expect((await reviews.client.listComments({ subject: ARTICLE })).comments).toEqual([comment]);
});

test("gives each of many comments of one second an id of its own", async () => {
  await using reviews = await startReviews({ now: () => new Date(0) });

  const comments = await Promise.all(Array.from({ length: 40 }, (_, i) => post(reviews.client, `u${i % 7}`, `number ${i}`)));

  expect(comments.map(({ id }) => Number(id)).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  expect(await threads(reviews.client, 7)).toHaveLength(40);
});

test("never gives the id of a comment that is gone to another one", async () => {
  await using reviews = await startReviews();
  const { id } = await post(reviews.client, "a", "first");
  await reviews.client.deleteComment({ userId: "a", commentId: id });

  expect((await post(reviews.client, "a", "second")).id).toBe(id + 1n);
});

test("puts answers behind what they answer, newest thread first, however the pages are cut", async () => {
  await using reviews = await startReviews();
  const one = await post(reviews.client, "a", "one");
  const two = await post(reviews.client, "b", "two");
  const oneOne = await post(reviews.client, "c", "one, one", { parentCommentId: one.id });
  await post(reviews.client, "d", "two, one", { parentCommentId: two.id });
  const deep = await post(reviews.client, "e", "one, one, one", { parentCommentId: oneOne.id });

  const whole = ["two", "> two, one", "one", "> one, one", "> one, one, one"];
  for (const pageSize of [1, 2, 3, 100]) expect(await threads(reviews.client, pageSize)).toEqual(whole);
  expect(deep).toMatchObject({ parentCommentId: oneOne.id, threadId: one.id });
});

test("keeps its place on a page while others comment, answer and delete", async () => {
  await using reviews = await startReviews();
  const [one, two] = [await post(reviews.client, "a", "one"), await post(reviews.client, "a", "two")];
  await post(reviews.client, "a", "three");
  const { nextPageToken } = await reviews.client.listComments({ subject: ARTICLE, pageSize: 2 });

  await post(reviews.client, "b", "four");
  await post(reviews.client, "b", "one, one", { parentCommentId: one.id });
  await post(reviews.client, "b", "two, one", { parentCommentId: two.id });
  await reviews.client.deleteComment({ userId: "a", commentId: one.id });

  const next = await reviews.client.listComments({ subject: ARTICLE, pageToken: nextPageToken });
  expect(next.comments.map(({ content }) => content)).toEqual(["two, one", "", "one, one"]);
});

test("changes what a comment says", async () => {
  await using reviews = await startReviews();
  const { id } = await post(reviews.client, "a", "very god.");

  const { comment } = await reviews.client.editComment({ userId: "a", commentId: id, content: "very good." });

  expect(comment).toMatchObject({ id, content: "very good.", editTime: expect.any(Date) });
  expect(await threads(reviews.client)).toEqual(["very good."]);
});

test("leaves the place of a deleted comment until its answers are gone", async () => {
  await using reviews = await startReviews();
  const one = await post(reviews.client, "a", "one");
  const answer = await post(reviews.client, "b", "answer", { parentCommentId: one.id });
  const deeper = await post(reviews.client, "c", "deeper", { parentCommentId: answer.id });

  await reviews.client.deleteComment({ userId: "a", commentId: one.id });
  await reviews.client.deleteComment({ userId: "b", commentId: answer.id });

  expect(await threads(reviews.client)).toEqual(["(deleted)", "> (deleted)", "> deeper"]);
  const [tombstone] = (await reviews.client.listComments({ subject: ARTICLE })).comments;
  expect(tombstone).toMatchObject({ id: one.id, content: "", authorName: "", deleted: true });
  for (const call of [
    () => reviews.client.deleteComment({ userId: "a", commentId: one.id }),
    () => reviews.client.editComment({ userId: "a", commentId: one.id, content: "back" }),
    () => post(reviews.client, "d", "too late", { parentCommentId: one.id }),
  ])
    await expect(call()).rejects.toMatchObject(NO_COMMENT);

  await reviews.client.deleteComment({ userId: "c", commentId: deeper.id });
  expect(await threads(reviews.client)).toEqual([]);
});

test("shows the page of one comment: from its thread on, or from itself if that is too far up", async () => {
  await using reviews = await startReviews();
  const one = await post(reviews.client, "a", "one");
  const two = await post(reviews.client, "a", "two");
  const answers = [];
  for (const content of ["one, one", "one, two", "one, three"])
    answers.push(await post(reviews.client, "b", content, { parentCommentId: one.id }));
  await post(reviews.client, "a", "three");
  const from = async (id = 0n) => {
    const subject = { $case: "commentId", value: id } as const;
    const { comments, nextPageToken: pageToken } = await reviews.client.listComments({ subject, pageSize: 3 });
    const next = pageToken && (await reviews.client.listComments({ subject: ARTICLE, pageToken })).comments;
    return [comments, next || []].map((some) => some.map(({ content }) => content));
  };

  expect(await from(two.id)).toEqual([
    ["two", "one", "one, one"],
    ["one, two", "one, three"],
  ]);
  expect(await from(one.id)).toEqual([["one", "one, one", "one, two"], ["one, three"]]);
  expect(await from(answers[1]?.id)).toEqual([["one", "one, one", "one, two"], ["one, three"]]);
  expect(await from(answers[2]?.id)).toEqual([["one, three"], []]);
  await expect(from(99n)).rejects.toMatchObject(NO_COMMENT);
});

test("says with the comments what the review is that they are on", async () => {
  await using reviews = await startReviews();
  const { review } = await reviews.client.writeReview({ userId: "reviewer", bookId: 7, rating: 5, text: "Good." });
  const subject = { $case: "reviewId", value: review?.id ?? "" } as const;
  const { id: value } = await post(reviews.client, "a", "so true", { subject, authorUserId: "" });
  const reviewOf = async (asked: typeof subject | typeof ARTICLE | { $case: "commentId"; value: bigint }) =>
    (await reviews.client.listComments({ subject: asked })).review;

  const withCount = { ...review, commentCount: 1 };
  expect(await reviewOf(subject)).toEqual(withCount);
  expect(await reviewOf({ $case: "commentId", value })).toEqual(withCount);
  expect(await reviewOf({ $case: "reviewId", value: "no-such-review" })).toBeUndefined();
  expect(await reviewOf(ARTICLE)).toBeUndefined();
});

test("lets nobody change or delete what another one has said", async () => {
  await using reviews = await startReviews();
  const { id } = await post(reviews.client, "a", "mine");

  await expect(reviews.client.editComment({ userId: "b", commentId: id, content: "x" })).rejects.toMatchObject(NO_COMMENT);
  await expect(reviews.client.deleteComment({ userId: "b", commentId: id })).rejects.toMatchObject(NO_COMMENT);
  await expect(reviews.client.deleteComment({ userId: "a", commentId: 99n })).rejects.toMatchObject(NO_COMMENT);
  expect(await threads(reviews.client)).toEqual(["mine"]);
});

test("tells a user which comments are the user's own", async () => {
  await using reviews = await startReviews();
  const ids: bigint[] = [];
  for (const value of [100n, 200n, 100n])
    ids.push((await post(reviews.client, "a", "x", { subject: { $case: "articleId", value } })).id);
  await post(reviews.client, "b", "not mine");
  const idsOf = (page: { comments: Comment[] }) => page.comments.map(({ id }) => id);

  const first = await reviews.client.listOwnComments({ userId: "a", pageSize: 2 });
  const rest = await reviews.client.listOwnComments({ userId: "a", pageSize: 2, pageToken: first.nextPageToken });
  const here = await reviews.client.listOwnComments({ userId: "a", subject: ARTICLE });
  const some = await reviews.client.listOwnComments({ userId: "a", commentIds: [1n, 3n, 4n, 99n] });

  expect([idsOf(first), idsOf(rest), idsOf(here)]).toEqual([[ids[2], ids[1]], [ids[0]], [ids[2], ids[0]]]);
  expect(idsOf(some)).toEqual([3n, 1n]);
  expect([rest.nextPageToken, here.nextPageToken]).toEqual(["", ""]);
});

test("comments on a review, which counts them, and go when it is taken back", async () => {
  await using reviews = await startReviews();
  const { review } = await reviews.client.writeReview({ userId: "reviewer", bookId: 7, rating: 5 });
  const subject = { $case: "reviewId", value: review?.id ?? "" } as const;
  const on = { subject, authorUserId: "" };
  const countOf = async () => (await reviews.client.listReviews({ bookId: 7 })).reviews[0]?.commentCount;
  const first = await post(reviews.client, "a", "so true", on);
  await post(reviews.client, "b", "not at all", { ...on, parentCommentId: first.id });

  expect(await threads(reviews.client, 1, subject)).toEqual(["so true", "> not at all"]);
  expect(await countOf()).toBe(2);
  await reviews.client.deleteComment({ userId: "a", commentId: first.id });
  expect(await countOf()).toBe(1);
  await reviews.client.writeReview({ userId: "reviewer", bookId: 7, rating: 1 });
  expect(await countOf()).toBe(1);

  await reviews.client.deleteReview({ userId: "reviewer", bookId: 7 });
  expect(await threads(reviews.client, 1, subject)).toEqual([]);
  expect((await reviews.client.listOwnComments({ userId: "b" })).comments).toEqual([]);
  await expect(post(reviews.client, "a", "gone", on)).rejects.toMatchObject({ reason: "REVIEW_NOT_FOUND" });
});

test("refuses to answer what is not there, or is about something else", async () => {
  await using reviews = await startReviews();
  const { id } = await post(reviews.client, "a", "one", { subject: { $case: "articleId", value: 200n } });

  await expect(post(reviews.client, "b", "x", { parentCommentId: 99n })).rejects.toMatchObject(NO_COMMENT);
  await expect(post(reviews.client, "b", "x", { parentCommentId: id })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "parent_comment_id" }],
  });
  expect(await threads(reviews.client)).toEqual([]);
});

test("gives the same comment for the same key, also when both come at once", async () => {
  await using reviews = await startReviews();
  const same = { idempotencyKey: "key-1" };

  const comments = await Promise.all(Array.from({ length: 5 }, () => post(reviews.client, "a", "once", same)));

  expect(new Set(comments.map(({ id }) => id)).size).toBe(1);
  expect(await threads(reviews.client)).toEqual(["once"]);
  // Keys are the user's own.
  expect((await post(reviews.client, "b", "once", same)).id).not.toBe(comments[0]?.id);
});

test("refuses a key again for a comment that says something else, or is about something else", async () => {
  await using reviews = await startReviews();
  const idempotencyKey = "key-1";
  await post(reviews.client, "a", "once", { idempotencyKey });
  const reused = { code: Status.ALREADY_EXISTS, reason: "IDEMPOTENCY_KEY_REUSED" };
  const other = { $case: "articleId", value: 200n } as const;

  await expect(post(reviews.client, "a", "twice", { idempotencyKey })).rejects.toMatchObject(reused);
  await expect(post(reviews.client, "a", "once", { idempotencyKey, subject: other })).rejects.toMatchObject(reused);
  await expect(post(reviews.client, "a", "once", { idempotencyKey, authorUserId: "another" })).rejects.toMatchObject(reused);
  expect([await threads(reviews.client), await threads(reviews.client, 9, other)]).toEqual([["once"], []]);
});

test("takes one of two comments on two articles that come with one key at once", async () => {
  await using reviews = await startReviews();

  const posts = [100n, 200n].map((value) =>
    post(reviews.client, "a", "once", { idempotencyKey: "key-1", subject: { $case: "articleId", value } }),
  );

  const reasons = (await Promise.allSettled(posts)).map((ended) =>
    ended.status === "rejected" ? ended.reason.reason : "posted",
  );
  expect(reasons.toSorted()).toEqual(["IDEMPOTENCY_KEY_REUSED", "posted"]);
  expect((await reviews.client.listOwnComments({ userId: "a" })).comments).toHaveLength(1);
});
