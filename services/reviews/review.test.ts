import { Status } from "nice-grpc";
import { registerClient } from "../../clients/register.ts";
import type { ReviewsClient } from "../../clients/reviews.ts";
import { startReviews } from "../../test/support/reviews.ts";
import { startRegister } from "../../test/support/service.ts";
import { findAuthor } from "./peers.ts";

const BOOK = 7;
const NO_REVIEW = { code: Status.NOT_FOUND, details: "no such review", reason: "REVIEW_NOT_FOUND" };

/** A clock that goes on by a second each time somebody looks. */
function ticking() {
  let seconds = 0;
  return () => new Date(Date.UTC(2026, 0, 1, 0, 0, ++seconds));
}

async function rateMany(client: ReviewsClient, count: number, from = 1): Promise<void> {
  for (let i = from; i < from + count; i++)
    await client.writeReview({ userId: `u${i}`, bookId: BOOK, rating: 1 + (i % 5), text: `number ${i}` });
}

/** The texts on each page. */
async function pages(client: ReviewsClient, pageSize: number) {
  const found: string[][] = [];
  let pageToken = "";
  do {
    const page = await client.listReviews({ bookId: BOOK, pageSize, pageToken });
    found.push(page.reviews.map(({ text }) => text));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
}

async function ratingOf(client: ReviewsClient, bookId = BOOK) {
  return (await client.getRatings({ bookIds: [bookId] })).ratings[0]?.rating;
}

test("keeps what a user thinks of a book, and shows everybody what but not whose", async () => {
  await using reviews = await startReviews({ now: ticking() });

  const { review } = await reviews.client.writeReview({ userId: "7434029", bookId: BOOK, rating: 5, text: "Read it twice." });

  const createTime = new Date(Date.UTC(2026, 0, 1, 0, 0, 1));
  expect(review).toEqual({
    ...{ id: expect.stringMatching(/^[0-9a-f-]{36}$/), bookId: BOOK, rating: 5, text: "Read it twice." },
    ...{ authorName: "Reader 7434029", createTime, updateTime: createTime, commentCount: 0 },
  });
  expect((await reviews.client.getReview({ userId: "7434029", bookId: BOOK })).review).toEqual(review);
  expect((await reviews.client.listReviews({ bookId: BOOK })).reviews).toEqual([review]);
});

test("shows the part before the @ of a name that is an e-mail address", async () => {
  await using register = await startRegister();
  const { user } = await register.client.register({ email: "ada@example.com", name: "ada@example.com", language: "en" });
  await using reviews = await startReviews({ findAuthor: findAuthor(registerClient(register.channel, register.logger)) });

  const { review } = await reviews.client.writeReview({ userId: user?.id ?? "", bookId: BOOK, rating: 4 });

  expect(review?.authorName).toBe("ada");
});

test("has one review of a user and a book: another one replaces it", async () => {
  await using reviews = await startReviews({ now: ticking() });
  const { review: first } = await reviews.client.writeReview({ userId: "a", bookId: BOOK, rating: 1, text: "Awful." });

  const { review: second } = await reviews.client.writeReview({ userId: "a", bookId: BOOK, rating: 4 });

  expect(second).toEqual({ ...first, rating: 4, text: "", updateTime: new Date(Date.UTC(2026, 0, 1, 0, 0, 2)) });
  expect((await reviews.client.listReviews({ bookId: BOOK })).reviews).toEqual([second]);
  expect(await ratingOf(reviews.client)).toEqual({ average: 4, count: 1n });
});

test("changes nothing when the same is written again", async () => {
  await using reviews = await startReviews({ now: ticking() });
  const same = { userId: "a", bookId: BOOK, rating: 3, text: "Well." };
  const { review } = await reviews.client.writeReview(same);

  expect((await reviews.client.writeReview(same)).review).toEqual(review);
});

test("takes a review back, and the rating with it", async () => {
  await using reviews = await startReviews();
  await reviews.client.writeReview({ userId: "a", bookId: BOOK, rating: 2 });
  await reviews.client.writeReview({ userId: "b", bookId: BOOK, rating: 5 });

  await reviews.client.deleteReview({ userId: "a", bookId: BOOK });

  expect(await ratingOf(reviews.client)).toEqual({ average: 5, count: 1n });
  await expect(reviews.client.getReview({ userId: "a", bookId: BOOK })).rejects.toMatchObject(NO_REVIEW);
  await expect(reviews.client.deleteReview({ userId: "a", bookId: BOOK })).rejects.toMatchObject(NO_REVIEW);
  await reviews.client.deleteReview({ userId: "b", bookId: BOOK });
  expect(await ratingOf(reviews.client)).toBeUndefined();
});

test("has no review to get or take back of a book that nobody has rated", async () => {
  await using reviews = await startReviews();

  await expect(reviews.client.getReview({ userId: "a", bookId: BOOK })).rejects.toMatchObject(NO_REVIEW);
  await expect(reviews.client.deleteReview({ userId: "a", bookId: BOOK })).rejects.toMatchObject(NO_REVIEW);
});

test("gives the ratings of many books at once, and none of books that nobody has rated", async () => {
  await using reviews = await startReviews();
  for (const [userId, bookId, rating] of [
    ["a", 1, 5],
    ["b", 1, 2],
    ["c", 1, 1],
    ["a", 2, 3],
    ["a", 3, 4],
  ] as const)
    await reviews.client.writeReview({ userId, bookId, rating });

  const { ratings } = await reviews.client.getRatings({ bookIds: [2, 99, 1, 1] });

  expect(ratings).toEqual([
    { bookId: 1, rating: { average: 8 / 3, count: 3n } },
    { bookId: 2, rating: { average: 3, count: 1n } },
  ]);
});

test("lists the newest reviews first, page by page", async () => {
  await using reviews = await startReviews({ now: ticking() });
  await rateMany(reviews.client, 5);

  expect(await pages(reviews.client, 2)).toEqual([["number 5", "number 4"], ["number 3", "number 2"], ["number 1"]]);
  expect(await pages(reviews.client, 5)).toHaveLength(1);
  expect((await pages(reviews.client, 0))[0]).toHaveLength(5);
});

test("loses no review between pages when all were written in one millisecond", async () => {
  await using reviews = await startReviews({ now: () => new Date(0) });
  await rateMany(reviews.client, 7);

  expect((await pages(reviews.client, 2)).flat().toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7].map((i) => `number ${i}`));
});

test("keeps its place on a page while reviews are written, changed and taken back", async () => {
  await using reviews = await startReviews({ now: ticking() });
  await rateMany(reviews.client, 6);
  const { nextPageToken } = await reviews.client.listReviews({ bookId: BOOK, pageSize: 2 });

  await rateMany(reviews.client, 3, 7);
  await reviews.client.writeReview({ userId: "u3", bookId: BOOK, rating: 1, text: "changed" });
  await reviews.client.deleteReview({ userId: "u5", bookId: BOOK });
  await reviews.client.deleteReview({ userId: "u2", bookId: BOOK });

  const next = await reviews.client.listReviews({ bookId: BOOK, pageSize: 10, pageToken: nextPageToken });
  expect(next.reviews.map(({ text }) => text)).toEqual(["number 4", "changed", "number 1"]);
});
