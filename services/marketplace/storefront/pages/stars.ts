import { html } from "ghtml";
import type { Rating } from "../../../../gen/bookstore/catalog/v1/book.ts";
import { formatRating } from "../format.ts";

const MOST = 5;

/** What many think, in few words: "★ 4.2 (12)". */
export function ratingInShort(rating: Rating | undefined): string {
  if (rating === undefined) return "";
  return html`<p class="rated"><span aria-hidden="true"><span class="stars">★</span> ${rating.average.toFixed(1)} (${rating.count})</span><span class="hidden">${formatRating(rating)}</span></p>`;
}

/** What one thinks: "★★★★☆". */
export function starsOf(rating: number): string {
  const full = Math.min(Math.max(Math.round(rating), 0), MOST);
  return html`<span class="stars" aria-hidden="true">${"★".repeat(full)}${"☆".repeat(MOST - full)}</span><span class="hidden">${rating} out of ${MOST}</span>`;
}
