import { html } from "ghtml";
import type { Book } from "../../../../gen/bookstore/catalog/v1/book.ts";
import { formatAuthors, formatPrice } from "../format.ts";
import type { Ratings } from "../ratings.ts";
import { ratingInShort } from "./stars.ts";

/** Books side by side, each with cover, title, authors, what readers think, and price. */
export function bookGrid(books: readonly Book[], ratings: Ratings): string {
  return html`<div class="grid">!${books.map((book) => card(book, ratingInShort(ratings.get(book.id))))}</div>`;
}

/** @param note what else there is to say: trusted HTML. */
export function card(book: Book, note = ""): string {
  return html`<article class="card">
<a href="/books/${book.id}"><img src="/covers/${book.id}.svg" alt="" width="240" height="360" loading="lazy"><h3>${book.title}</h3></a>
<p class="by">${formatAuthors(book.authors)}</p>
!${note}
<p class="price">${formatPrice(book.price)}</p>
!${addToCart(book, "second")}
</article>
`;
}

/** A button that puts one copy into the cart. A book without a price is not sold. */
export function addToCart({ id, title, price }: Book, look = ""): string {
  if (price === undefined) return "";
  return html`<form class="add" method="post" action="/cart/items"><input type="hidden" name="bookId" value="${id}"><button class="${look}"><span>Add<span class="hidden"> ${title}</span> to cart</span></button></form>`;
}

/** "Next page", or nothing on the last one. */
export function nextPage(address: string | undefined): string {
  return address === undefined
    ? ""
    : html`<nav class="pages" aria-label="Pages"><a class="button" href="${address}" rel="next">Next page</a></nav>`;
}
