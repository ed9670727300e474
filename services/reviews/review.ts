import { Failure } from "../../runtime/errors.ts";
import { type FindAuthor, requireAuthor } from "./author.ts";
import { tidyText } from "./text.ts";

/** What a user thinks of a Book. */
export interface Review {
  id: string;
  userId: string;
  bookId: number;
  /** 1 to 5. */
  rating: number;
  /** May be empty. */
  text: string;
  /** What the author was called when writing. */
  authorName: string;
  createdAt: Date;
  updatedAt: Date;
  commentCount: number;
}

/** What many readers together think of a Book. */
export interface BookRating {
  bookId: number;
  average: number;
  count: number;
}

/** Where a page of Reviews begins: behind this one. */
export interface ReviewPosition {
  createdAtMs: number;
  id: string;
}

/** A Review as it is written. The id is only taken if the user has none of the Book. */
export type WrittenReview = Omit<Review, "createdAt" | "updatedAt" | "commentCount"> & { writtenAt: Date };

export interface ReviewStore {
  /** Stores the one Review that the user has of the Book. The rating of the Book, and what others hear of it, changes with it. */
  write(review: WrittenReview): Promise<Review>;
  get(userId: string, bookId: number): Promise<Review | undefined>;
  find(id: string): Promise<Review | undefined>;
  /** Deletes a Review and what was said about it. @returns whether there was one. */
  delete(userId: string, bookId: number): Promise<boolean>;
  /** Newest first. */
  list(bookId: number, after: ReviewPosition | undefined, limit: number): Promise<Review[]>;
  /** Of those of the Books that anybody has rated, by Book. */
  ratings(bookIds: readonly number[]): Promise<BookRating[]>;
}

export interface ReviewDeps {
  reviews: ReviewStore;
  findAuthor: FindAuthor;
  /** Asks the marketplace whether it has a Book. */
  hasBook(bookId: number): Promise<boolean>;
  newId(): string;
  now(): Date;
}

/** Stores what a user thinks of a Book, instead of what the user thought before. */
export async function writeReview(
  deps: ReviewDeps,
  { userId, bookId, rating, text }: Pick<Review, "userId" | "bookId" | "rating" | "text">,
): Promise<Review> {
  const [{ name: authorName }, isThere] = await Promise.all([
    requireAuthor(deps.findAuthor, userId, "to rate a book"),
    deps.hasBook(bookId),
  ]);
  if (!isThere) throw new Failure("not-found", "there is no such book", { reason: "BOOK_NOT_FOUND" });
  const review = { id: deps.newId(), userId, bookId, rating, text: tidyText(text), authorName, writtenAt: deps.now() };
  return deps.reviews.write(review);
}

/** The Review that a user has of a Book. */
export async function getReview(reviews: ReviewStore, userId: string, bookId: number): Promise<Review> {
  return (await reviews.get(userId, bookId)) ?? refuseUnknownReview();
}

/** Takes a Review back. */
export async function deleteReview(reviews: ReviewStore, userId: string, bookId: number): Promise<void> {
  if (!(await reviews.delete(userId, bookId))) refuseUnknownReview();
}

export function refuseUnknownReview(): never {
  throw new Failure("not-found", "no such review", { reason: "REVIEW_NOT_FOUND" });
}
