import { html } from "ghtml";
import type { Book, Rating } from "../../../../gen/bookstore/catalog/v1/book.ts";
import type { Review } from "../../../../gen/bookstore/reviews/v1/reviews_service.ts";
import { formatCount, formatDay, formatRating } from "../format.ts";
import { type Field, form, formTitle, NO_PROBLEMS, type Problems, problemSummary } from "./form.ts";
import type { PageParts } from "./layout.ts";
import { starsOf } from "./stars.ts";

/** What readers of the shop say of a book. */
export interface BookReviews {
  rating: Rating | undefined;
  reviews: readonly Review[];
  /** The token of the next page of them. */
  nextPage: string;
  /** What the reader of the page has said. */
  own: Review | undefined;
}

/** The part of the page of a book. @param found undefined while reviews is away. */
export function reviewsSection({ id }: Book, found: BookReviews | undefined): string {
  return html`<section class="reviews" aria-labelledby="reviews">
<h2 id="reviews">What our readers say</h2>
!${found === undefined ? html`<p class="quiet" role="status">Reviews are taking a break.</p>` : list(id, found)}
</section>`;
}

function list(bookId: number, { rating, reviews, nextPage, own }: BookReviews): string {
  const all =
    rating === undefined
      ? html`<p class="quiet">Nobody has rated this book here yet.</p>`
      : html`<p class="lead">!${starsOf(Math.round(rating.average))} ${formatRating(rating)}</p>`;
  const next =
    nextPage === ""
      ? ""
      : html`<nav class="pages" aria-label="Pages of reviews"><a class="button second" href="/books/${bookId}?${new URLSearchParams({ reviews: nextPage })}#reviews" rel="next">More reviews</a></nav>`;
  return html`!${all}
<p><a class="button second" href="/books/${bookId}/review">!${own === undefined ? "Rate this book" : "Change your review"}</a></p>
!${reviews.map(
    (review) => html`!${reviewOf(review)}
<p class="aside"><a href="${commentsPath(review)}">!${review.commentCount === 0 ? "Comment" : formatCount(review.commentCount, "comment")}<span class="hidden"> on the review of ${review.authorName || "a reader"}</span></a></p>
</article>`,
  )}
!${next}`;
}

/** Where the comments on a review are. */
export function commentsPath({ bookId, id }: Pick<Review, "bookId" | "id">): string {
  return `/books/${bookId}/reviews/${id}`;
}

/** A review without its end tag: what can be done with it stands inside. */
export function reviewOf({ rating, text, authorName, createTime }: Review): string {
  return html`<article class="said">
<p class="who"><strong dir="auto">${authorName || "A reader"}</strong> !${starsOf(rating)} <time datetime="${createTime?.toISOString() ?? ""}">${formatDay(createTime)}</time></p>
!${text === "" ? "" : html`<p class="words" dir="auto">${text}</p>`}`;
}

const FIELDS: readonly Field[] = [
  { name: "rating", label: "Rating", type: "rating", required: true },
  {
    name: "text",
    label: "Review",
    type: "long text",
    maxlength: 4_000,
    hint: "If you like. Everybody can read it, with your name.",
  },
];

export interface ReviewForm {
  rating: string;
  text: string;
}

/** @param exists whether there is one already, which can be taken back. */
export function reviewPage(book: Book, typed: ReviewForm, exists: boolean, problems: Problems = NO_PROBLEMS): PageParts {
  const title = exists ? "Your review" : "Rate a book";
  const { rating, text } = typed;
  const action = `/books/${book.id}/review`;
  const main = html`<p class="crumb"><a href="/books/${book.id}">${book.title}</a></p>
<h1>!${title}</h1>
!${problemSummary(problems, FIELDS)}
!${form({ action, fields: FIELDS, values: { rating, text }, button: "Save", problems })}
!${exists ? html`<form class="aside" method="post" action="${action}/delete"><button class="plain">Take my review back</button>, and what was said about it</form>` : ""}`;
  return { title: formTitle(title, problems), main };
}
