import { html } from "ghtml";
import type { Book } from "../../../../gen/bookstore/catalog/v1/book.ts";
import type { OtherBook, Reason, Recommendation } from "../../../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { shelfOf } from "../categories.ts";
import { card } from "./book-list.ts";

const MOST_PICKS = 6;

/** What is picked for a reader, and why, besides the books that the page shows already. Nothing while recommendations is away. */
export function pickedForYou(picks: readonly Recommendation[] = [], shown: readonly Book[] = []): string {
  const ids = new Set(shown.map(({ id }) => id));
  const others = picks.filter(({ book }) => book !== undefined && !ids.has(book.id));
  return section("Picked for you", others.slice(0, MOST_PICKS));
}

/** What goes with a book: what its readers bought too, and then what is like it. */
export function similarTo(bookId: number, similar: readonly Recommendation[] | undefined): string {
  const together = similar?.filter(({ reason }) => reason?.why?.$case === "alsoBought") ?? [];
  const alike = similar?.filter((one) => !together.includes(one)) ?? [];
  return html`!${section("Readers who bought this also bought", together, bookId)}!${section("More like this", alike, bookId)}`;
}

/** @param shownId the book whose page it is: nobody need say that something is like it. */
function section(title: string, recommendations: readonly Recommendation[], shownId?: number): string {
  if (recommendations.length === 0) return "";
  const cards = recommendations.map(({ book, reason }) => (book === undefined ? "" : card(book, why(reason, shownId))));
  return html`<section>
<h2>${title}</h2>
<div class="grid few">!${cards}</div>
</section>
`;
}

function why(reason: Reason | undefined, shownId: number | undefined): string {
  const text = inWords(reason?.why, shownId);
  return text === "" ? "" : html`<p class="why">${text}</p>`;
}

function inWords(why: Reason["why"], shownId: number | undefined): string {
  switch (why?.$case) {
    case "bought":
      return `Because you bought ${why.value.title}`;
    case "rated":
      return `Because you liked ${why.value.title}`;
    case "sameAuthor":
      return withBook(`By ${why.value.author} too`, why.value.becauseOf, shownId);
    case "sameShelf":
      return withBook(`From the shelf ${shelfOf(why.value.category)?.name ?? ""}`, why.value.becauseOf, shownId);
    case "popular":
      return `Many like it on the shelf ${shelfOf(why.value.category)?.name ?? ""}`;
    case "undiscovered":
      return "Hardly anybody has found it so far";
    default:
      return "";
  }
}

function withBook(text: string, other: OtherBook | undefined, shownId: number | undefined): string {
  return other === undefined || other.title === "" || other.bookId === shownId ? text : `${text}, like ${other.title}`;
}
