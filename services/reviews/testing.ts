// A replica of reviews that rates, comments, changes and takes back as fast as it
// can when it is told to. Started with the store, the number of its users and of
// the Book, and a Review to comment on.
import { randomUUID } from "node:crypto";
import { createLogger } from "../../runtime/logger.ts";
import { openReviewsStore } from "./store.ts";

const [url = "", users = "0", book = "0", reviewId = ""] = process.argv.slice(2);
const bookId = Number(book);
const store = await openReviewsStore(url, createLogger({ name: "replica", level: "silent" }));

/** Every replica has the same users, so each user writes in all of them at once. */
async function rateAndRegret(number: number): Promise<void> {
  const userId = `user-${number}`;
  const review = { userId, bookId, text: "", authorName: "" };
  const write = (rating: number) => store.reviews.write({ ...review, id: randomUUID(), rating, writtenAt: new Date() });
  await write(1 + (number % 5));
  await write(1 + ((number + process.pid) % 5));
  if (number % 3 === 0) await store.reviews.delete(userId, bookId);
}

/** Each user comments twice, answers the first comment of all and takes one comment back. */
async function commentAndRegret(number: number): Promise<void> {
  const userId = `user-${number}`;
  const post = async (parentId: number) => {
    const { comment } = await store.comments.post({
      ...{ userId, parentId, authorName: "", content: "x", articleAuthorId: "", createdAt: new Date(), fingerprint: "" },
      subject: { kind: "review", id: reviewId },
      idempotencyKey: randomUUID(),
    });
    return comment.id;
  };
  const first = await post(0);
  await Promise.all([post(first), post(1)]);
  await store.comments.delete(userId, first);
}

process.once("message", async () => {
  const numbers = Array.from({ length: Number(users) }, (_, number) => number);
  await Promise.all(numbers.flatMap((number) => [rateAndRegret(number), commentAndRegret(number)]));
  await store.close();
  process.send?.("done", () => process.disconnect());
});
process.send?.("ready");
