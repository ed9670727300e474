import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startReviews } from "../../test/support/reviews.ts";
import { eventsIn } from "./testing-events.ts";

const BOOK = 7;
const USERS = 30;

test("keeps average and count exact while two replicas rate, change and take back the same 30 reviews at once", async () => {
  await using reviews = await startReviews();
  const replicas = [1, 2].map(() =>
    fork(fileURLToPath(new URL("./testing.ts", import.meta.url)), [reviews.url, `${USERS}`, `${BOOK}`], { execArgv: [] }),
  );
  const said = async (replica: (typeof replicas)[number]) => (await once(replica, "message"))[0];
  expect(await Promise.all(replicas.map(said))).toEqual(["ready", "ready"]);

  const done = replicas.map(said);
  const exits = replicas.map((replica) => once(replica, "exit"));
  for (const replica of replicas) replica.send("go");
  expect(await Promise.all(done)).toEqual(["done", "done"]);
  expect((await Promise.all(exits)).map(([status]) => status)).toEqual([0, 0]);

  const ratings = (await reviews.store.reviews.list(BOOK, undefined, 1_000)).map(({ rating }) => rating);
  const sum = ratings.reduce((total, rating) => total + rating, 0);
  expect(ratings.length).toBeGreaterThanOrEqual(20);
  expect((await reviews.client.getRatings({ bookIds: [BOOK] })).ratings).toEqual([
    { bookId: BOOK, rating: { average: sum / ratings.length, count: BigInt(ratings.length) } },
  ]);

  // Whoever follows the events comes to the same.
  const known = new Map<string, number>();
  for (const [type, subject, data] of await eventsIn(reviews)) {
    if (type === "BookRatingRemoved") known.delete(subject);
    else known.set(subject, (data as { rating: number }).rating);
  }
  expect([...known.values()].toSorted()).toEqual(ratings.toSorted());
});

test("shows at once what another replica on the same store has written", async () => {
  await using first = await startReviews();
  await using second = await startReviews({ url: first.url });
  await first.client.writeReview({ userId: "a", bookId: BOOK, rating: 2 });
  await second.client.writeReview({ userId: "a", bookId: BOOK, rating: 4 });
  await second.client.writeReview({ userId: "b", bookId: BOOK, rating: 5 });

  expect((await first.client.getRatings({ bookIds: [BOOK] })).ratings).toMatchObject([{ rating: { average: 4.5, count: 2n } }]);
  expect((await first.client.getReview({ userId: "a", bookId: BOOK })).review?.rating).toBe(4);
});
