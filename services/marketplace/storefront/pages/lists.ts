import { html } from "ghtml";
import type { Book } from "../../../../gen/bookstore/catalog/v1/book.ts";
import type { Ratings } from "../ratings.ts";
import { bookGrid, nextPage } from "./book-list.ts";
import type { PageParts } from "./layout.ts";

export interface ListParts {
  books: readonly Book[];
  total: number;
  /** The address of the next page. Undefined on the last one. */
  next: string | undefined;
  ratings: Ratings;
}

/** A shelf, or all of them. */
export function shelfPage(name: string, { books, total, next, ratings }: ListParts): PageParts {
  const main = html`<h1>${name}</h1>
<p class="quiet">${count(total)}, by title</p>
!${bookGrid(books, ratings)}
!${nextPage(next)}`;
  return { title: `${name} · Bookmesh`, main, forBuyers: true };
}

/** What a search found. */
export function searchPage(query: string, { books, total, next, ratings }: ListParts): PageParts {
  const found =
    total === 0
      ? html`<p>Nothing found. Try fewer words, or only the beginning of one; accents do not matter.</p>`
      : html`!${bookGrid(books, ratings)} !${nextPage(next)}`;
  const main = html`<h1>Books for “${query}”</h1>
<p class="quiet" role="status">${count(total)} found</p>
!${found}`;
  return { title: `${query} · Bookmesh`, main, query, forBuyers: true };
}

function count(total: number): string {
  return total === 1 ? "1 book" : `${new Intl.NumberFormat("en").format(total)} books`;
}
