import { html } from "ghtml";
import type { Book } from "../../../../gen/bookstore/catalog/v1/book.ts";
import type { Recommendation } from "../../../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { shelfOf } from "../categories.ts";
import { formatAuthors, formatPrice } from "../format.ts";
import { addToCart } from "./book-list.ts";
import type { PageParts } from "./layout.ts";
import { pickedForYou } from "./recommended.ts";

export interface HomeParts {
  mysteries: readonly Book[];
  /** Whether the mysteries are a suggestion, or only the front of the shelf. */
  suggested: boolean;
  /** What is picked for a user. */
  picks: readonly Recommendation[] | undefined;
  categories: readonly { category: Book["category"]; bookCount: number }[];
}

export function homePage({ mysteries, suggested, picks, categories }: HomeParts): PageParts {
  const quietly = suggested
    ? ""
    : html`<p class="quiet" role="status">Our recommendations are taking a break. Here is the front of the shelf.</p>`;
  const main = html`<section class="hero">
<h1>Mystery books you may like</h1>
!${quietly}
<ol class="picks">
!${mysteries.map(pick)}
</ol>
</section>
!${pickedForYou(picks, mysteries)}
<section>
<h2>Browse the shelves</h2>
<div class="shelves">!${categories.map(shelf)}</div>
</section>`;
  return { title: "Online Books For You", main, forBuyers: true };
}

function pick(book: Book): string {
  return html`<li><a href="/books/${book.id}"><img src="/covers/${book.id}.svg" alt="" width="240" height="360"><strong>${book.title}</strong></a>
<span class="by">${formatAuthors(book.authors)}</span> <span class="about">${book.summary}</span> <span class="price">${formatPrice(book.price)}</span> !${addToCart(book, "second")}</li>
`;
}

function shelf({ category, bookCount }: HomeParts["categories"][number]): string {
  const found = shelfOf(category);
  if (found === undefined) return "";
  return html`<a class="shelf" data-category="${category}" href="/categories/${found.slug}"><span>${found.name}</span> <small>${bookCount} books</small></a>
`;
}
