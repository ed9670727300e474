import type { ReviewsClient } from "../../../clients/reviews.ts";
import type { Book, Rating } from "../../../gen/bookstore/catalog/v1/book.ts";
import { optional } from "./optional.ts";

/** What readers of the shop think of books, by the number of the book. */
export type Ratings = ReadonlyMap<number, Rating>;

const PATIENCE_MS = 400;

/** The ratings of all books of a page, by one call. None while reviews is away. */
export async function ratingsOf(reviews: Pick<ReviewsClient, "getRatings">, books: readonly Book[]): Promise<Ratings> {
  if (books.length === 0) return new Map();
  const bookIds = books.map(({ id }) => id);
  const answer = await optional(reviews.getRatings({ bookIds }, { deadlineMs: PATIENCE_MS }));
  return new Map(answer?.ratings.flatMap(({ bookId, rating }) => (rating === undefined ? [] : [[bookId, rating]])));
}
