import { html } from "ghtml";
import type { OtherBook, Reason, Recommendation } from "../../../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { shelfOf } from "../categories.ts";
import { card } from "./book-list.ts";

/** What is picked for a reader, and why. Nothing while recommendations is away, or has nothing to say. */
export function pickedForYou(picks: readonly Recommendation[] | undefined): string {
  return section("Picked for you", picks ?? []);
}

/** What goes with a book: what its readers bought too, and then what is like it. */
export function similarTo(similar: readonly Recommendation[] | undefined): string {
  const together = similar?.filter(({ reason }) => reason?.why?.$case === "alsoBought") ?? [];
  const alike = similar?.filter((one) => !together.includes(one)) ?? [];
  return html`!${section("Readers who bought this also bought", together)}!${section("More like this", alike)}`;
}

function section(title: string, recommendations: readonly Recommendation[]): string {
  if (recommendations.length === 0) return "";
  const cards = recommendations.map(({ book, reason }) => (book === undefined ? "" : card(book, why(reason))));
  return html`<section>
<h2>${title}</h2>
<div class="grid few">!${cards}</div>
</section>
`;
}

function why(reason: Reason | undefined): string {
  const text = inWords(reason?.why);
  return text === "" ? "" : html`<p class="why">${text}</p>`;
}

function inWords(why: Reason["why"]): string {
  switch (why?.$case) {
    case "bought":
      return `Because you bought ${why.value.title}`;
    case "rated":
      return `Because you liked ${why.value.title}`;
    case "sameAuthor":
      return withBook(`By ${why.value.author} too`, why.value.becauseOf);
    case "sameShelf":
      return withBook(`From the shelf ${shelfOf(why.value.category)?.name ?? ""}`, why.value.becauseOf);
    case "popular":
      return `Many like it on the shelf ${shelfOf(why.value.category)?.name ?? ""}`;
    case "undiscovered":
      return "Hardly anybody has found it so far";
    default:
      return "";
  }
}

function withBook(text: string, other: OtherBook | undefined): string {
  return other === undefined || other.title === "" ? text : `${text}, like ${other.title}`;
}
