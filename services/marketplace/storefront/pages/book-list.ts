import { html } from "ghtml";
import type { Book } from "../../../../gen/bookstore/catalog/v1/book.ts";
import { formatAuthors, formatPrice } from "../format.ts";

/** Books side by side, each with cover, title, authors and price. */
export function bookGrid(books: readonly Book[]): string {
  return html`<div class="grid">!${books.map(card)}</div>`;
}

function card(book: Book): string {
  return html`<article class="card">
<a href="/books/${book.id}"><img src="/covers/${book.id}.svg" alt="" width="240" height="360" loading="lazy"><h3>${book.title}</h3></a>
<p class="by">${formatAuthors(book.authors)}</p>
<p class="price">${formatPrice(book.price)}</p>
</article>
`;
}

/** "Next page", or nothing on the last one. */
export function nextPage(address: string | undefined): string {
  return address === undefined
    ? ""
    : html`<nav class="pages" aria-label="Pages"><a class="button" href="${address}" rel="next">Next page</a></nav>`;
}
