import { randomUUID } from "node:crypto";
import { Status } from "nice-grpc";
import { startReviews } from "../../test/support/reviews.ts";

const ON_ARTICLE = { userId: "a", subject: { $case: "articleId", value: 100n }, authorUserId: "author" } as const;

const HOSTILE = [
  `<script>alert(1)</script>"'--;DROP TABLE comments;`,
  "%s%n #{7*7} {{7*7}} ../../etc/passwd",
  "مرحبا \u202e gnp.exe \u2066x\u2069 👩‍👩‍👧‍👦 Z\u0351\u0352a\u0353l\u0354g\u0355o",
  "🙂".repeat(4_000),
  "line one\nline two\tand a tab",
];

test.each(HOSTILE.map((text) => [text.slice(0, 40), text]))("keeps every word of %j", async (_start, text) => {
  await using reviews = await startReviews();

  await reviews.client.writeReview({ userId: "a", bookId: 7, rating: 3, text });
  const { comment } = await reviews.client.postComment({ ...ON_ARTICLE, content: text, idempotencyKey: randomUUID() });

  expect((await reviews.client.getReview({ userId: "a", bookId: 7 })).review?.text).toBe(text);
  expect(comment?.content).toBe(text);
  expect((await reviews.client.listComments({ subject: ON_ARTICLE.subject })).comments[0]?.content).toBe(text);
});

test("has one kind of line end, and no white space around a text", async () => {
  await using reviews = await startReviews();

  const { review } = await reviews.client.writeReview({ userId: "a", bookId: 7, rating: 3, text: " \r\n one\r\ntwo\rthree \n" });

  expect(review?.text).toBe("one\ntwo\nthree");
});

test.each([
  ["nothing", "", "is required"],
  ["nothing but white space", " \n\u00a0\t", "is required"],
  ["nothing that can be seen", "\u200b\u200d\u2060\u202e", "is required"],
  ["more than 4,000 characters", "🙂".repeat(4_001), "must be at most 4000 characters long"],
  ["a NUL", "a\0b", "must not contain NUL"],
  ["a bell", "a\u0007b", "must match ^[\\P{Cc}\\t\\n\\r]*$"],
  ["an escape sequence", "\u001b[2J", "must match ^[\\P{Cc}\\t\\n\\r]*$"],
  ["a control character of eight bits", "a\u0085b", "must match ^[\\P{Cc}\\t\\n\\r]*$"],
])("refuses a comment of %s, new or changed", async (_what, content, description) => {
  await using reviews = await startReviews();
  const { comment } = await reviews.client.postComment({ ...ON_ARTICLE, content: "fine", idempotencyKey: "1" });
  const refused = { code: Status.INVALID_ARGUMENT, violations: [{ field: "content", description }] };

  const posted = reviews.client.postComment({ ...ON_ARTICLE, content, idempotencyKey: "2" });
  await expect(posted).rejects.toMatchObject(refused);
  const edited = reviews.client.editComment({ userId: "a", commentId: comment?.id ?? 0n, content });
  await expect(edited).rejects.toMatchObject(refused);
  expect((await reviews.client.listComments({ subject: ON_ARTICLE.subject })).comments).toEqual([comment]);
});

test("logs that a comment was saved, by its length, and nothing of what anybody wrote or is called", async () => {
  await using reviews = await startReviews({ findAuthor: async () => ({ name: "Ada Lovelace" }) });

  await reviews.client.writeReview({ userId: "a", bookId: 7, rating: 3, text: "a secret opinion" });
  await reviews.client.postComment({ ...ON_ARTICLE, content: "very good.", idempotencyKey: "1" });
  await reviews.client.editComment({ userId: "a", commentId: 1n, content: "very bad." });

  expect(reviews.logs.with({ msg: "Save Comment Data: article_id: 100, content: 10 characters" })).toHaveLength(1);
  expect(JSON.stringify(reviews.logs.all)).not.toMatch(/secret opinion|very good|very bad|Ada/);
});
