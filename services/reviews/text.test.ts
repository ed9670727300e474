import { startReviews } from "../../test/support/reviews.ts";

const ON_ARTICLE = { userId: "a", subject: { $case: "articleId", value: 100n }, authorUserId: "author" } as const;

const HOSTILE = [
  `<script>alert(1)</script>"'--;DROP TABLE comments;`,
  "%s%n #{7*7} {{7*7}} ../../etc/passwd",
  "مرحبا \u202e gnp.exe \u2066x\u2069 👩‍👩‍👧‍👦 Z\u0351\u0352a\u0353l\u0354g\u0355o",
  "🙂".repeat(4_000),
  "line one\nline two\tand a tab",
];

test("keeps every word of a text, whatever it is", async () => {
  await using reviews = await startReviews();

  for (const [index, text] of HOSTILE.entries()) {
    await reviews.client.writeReview({ userId: "a", bookId: 7, rating: 3, text });
    const { comment } = await reviews.client.postComment({ ...ON_ARTICLE, content: text, idempotencyKey: `${index}` });

    expect((await reviews.client.getReview({ userId: "a", bookId: 7 })).review?.text).toBe(text);
    expect(comment?.content).toBe(text);
    expect((await reviews.client.listComments({ subject: ON_ARTICLE.subject })).comments[0]?.content).toBe(text);
  }
});

test("has one kind of line end, and no white space around a text", async () => {
  await using reviews = await startReviews();

  const { review } = await reviews.client.writeReview({ userId: "a", bookId: 7, rating: 3, text: " \r\n one\r\ntwo\rthree \n" });

  expect(review?.text).toBe("one\ntwo\nthree");
});

test("logs that a comment was saved, by its length, and nothing of what anybody wrote or is called", async () => {
  await using reviews = await startReviews({ findAuthor: async () => ({ name: "Ada Lovelace" }) });

  await reviews.client.writeReview({ userId: "a", bookId: 7, rating: 3, text: "a secret opinion" });
  await reviews.client.postComment({ ...ON_ARTICLE, content: "very good.", idempotencyKey: "1" });
  await reviews.client.editComment({ userId: "a", commentId: 1n, content: "very bad." });

  expect(reviews.logs.with({ msg: "Save Comment Data: article_id: 100, content: 10 characters" })).toHaveLength(1);
  expect(JSON.stringify(reviews.logs.all)).not.toMatch(/secret opinion|very good|very bad|Ada/);
});
