import { html } from "ghtml";
import type { Book } from "../../../../gen/bookstore/catalog/v1/book.ts";
import type { Recommendation } from "../../../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { shelfOf } from "../categories.ts";
import { formatAuthors, formatLanguage, formatPrice, formatRating, formatYear } from "../format.ts";
import { addToCart } from "./book-list.ts";
import type { PageParts } from "./layout.ts";
import { similarTo } from "./recommended.ts";
import { type BookReviews, reviewsSection } from "./reviews.ts";

/** What the page of a book shows besides the book, each undefined while its service is away. */
export interface BookParts {
  reviews: BookReviews | undefined;
  similar: readonly Recommendation[] | undefined;
  /** Whether there is a sample to read. */
  sample: boolean;
}

export function bookPage(book: Book, { reviews, similar, sample }: BookParts): PageParts {
  const shelf = shelfOf(book.category);
  const facts: [string, string][] = [
    ["First published", formatYear(book.firstPublished)],
    ["Written in", formatLanguage(book.language)],
    ["Readers say", formatRating(book.rating)],
  ];
  const known = facts.filter(([, value]) => value !== "");
  const main = html`<article class="book">
<img class="cover" src="/covers/${book.id}.svg" alt="" width="240" height="360">
<div>
!${shelf === undefined ? "" : html`<p class="crumb"><a href="/categories/${shelf.slug}">${shelf.name}</a></p>`}
<h1>${book.title}</h1>
<p class="by">by ${formatAuthors(book.authors)}</p>
<p class="about">${book.summary}</p>
<p class="price">${formatPrice(book.price)}</p>
<div class="onward">!${addToCart(book)} !${sample ? html`<a class="button second" href="/books/${book.id}/sample">Read a sample</a>` : ""}</div>
<dl>!${known.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
</div>
</article>
!${similarTo(book.id, similar)}!${reviewsSection(book, reviews)}`;
  return { title: `${book.title} · Bookmesh`, main, forBuyers: true };
}
