import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startReviews } from "../../test/support/reviews.ts";
import { eventsIn } from "./testing-events.ts";

const BOOK = 7;
const OTHER_BOOK = 8;
const USERS = 30;

test("keeps ratings and counts exact while two replicas rate, comment and take back for the same 30 users at once", async () => {
  await using reviews = await startReviews();
  const { review } = await reviews.client.writeReview({ userId: "reviewer", bookId: OTHER_BOOK, rating: 5 });
  const subject = { $case: "reviewId", value: review?.id ?? "" } as const;
  await reviews.client.postComment({ userId: "reviewer", subject, content: "first of all", idempotencyKey: "1" });

  await runReplicas([reviews.url, `${USERS}`, `${BOOK}`, subject.value]);

  const ratings = (await reviews.store.reviews.list(BOOK, undefined, 1_000)).map(({ rating }) => rating);
  const sum = ratings.reduce((total, rating) => total + rating, 0);
  expect(ratings.length).toBeGreaterThanOrEqual(20);
  expect((await reviews.client.getRatings({ bookIds: [BOOK] })).ratings).toEqual([
    { bookId: BOOK, rating: { average: sum / ratings.length, count: BigInt(ratings.length) } },
  ]);

  // Each of both replicas leaves two comments of each user, and the place of a third one before its answer.
  const comments = await reviews.store.comments.list({ kind: "review", id: subject.value }, undefined, 1_000);
  expect(comments.filter(({ deleted }) => deleted)).toHaveLength(2 * USERS);
  expect(comments.filter(({ deleted }) => !deleted)).toHaveLength(1 + 4 * USERS);
  expect(new Set(comments.map(({ id }) => id)).size).toBe(comments.length);
  expect((await reviews.client.listReviews({ bookId: OTHER_BOOK })).reviews).toMatchObject([{ commentCount: 1 + 4 * USERS }]);

  // Whoever follows the events comes to the same.
  const events = await eventsIn(reviews);
  const known = new Map<string, number>();
  for (const [type, subject, data] of events.filter(([, subject]) => subject.startsWith(`books/${BOOK}/`))) {
    if (type === "BookRatingRemoved") known.delete(subject);
    else known.set(subject, (data as { rating: number }).rating);
  }
  expect([...known.values()].toSorted()).toEqual(ratings.toSorted());
  // The answers to oneself are told to nobody.
  expect(events.filter(([type]) => type === "CommentPosted")).toHaveLength(4 * USERS);
});

/** Lets two replicas on one store do what testing.ts does, at once. */
async function runReplicas(args: readonly string[]): Promise<void> {
  const replicas = [1, 2].map(() => fork(fileURLToPath(new URL("./testing.ts", import.meta.url)), args, { execArgv: [] }));
  const said = async (replica: (typeof replicas)[number]) => (await once(replica, "message"))[0];
  expect(await Promise.all(replicas.map(said))).toEqual(["ready", "ready"]);
  const done = replicas.map(said);
  const exits = replicas.map((replica) => once(replica, "exit"));
  for (const replica of replicas) replica.send("go");
  expect(await Promise.all(done)).toEqual(["done", "done"]);
  expect((await Promise.all(exits)).map(([status]) => status)).toEqual([0, 0]);
}

test("shows at once what another replica on the same store has written", async () => {
  await using first = await startReviews();
  await using second = await startReviews({ url: first.url });
  await first.client.writeReview({ userId: "a", bookId: BOOK, rating: 2 });
  await second.client.writeReview({ userId: "a", bookId: BOOK, rating: 4 });
  await second.client.writeReview({ userId: "b", bookId: BOOK, rating: 5 });

  expect((await first.client.getRatings({ bookIds: [BOOK] })).ratings).toMatchObject([{ rating: { average: 4.5, count: 2n } }]);
  expect((await first.client.getReview({ userId: "a", bookId: BOOK })).review?.rating).toBe(4);
});
