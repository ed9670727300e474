import type { OrderCancelled, OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { formatMoney } from "../../runtime/money.ts";
import type { Kind } from "./kind.ts";
import { phrase, type Voice } from "./phrase.ts";

/** How many books of an order are named. */
const NAMED_BOOKS = 5;
/** How much of a comment is shown, in code points. */
const EXCERPT_LENGTH = 200;

/** Something that has happened, as far as it is told. */
export type Happening =
  | ({ kind: "order-placed" } & Pick<OrderPlaced, "books" | "total" | "discount" | "placeTime">)
  | ({ kind: "order-cancelled" } & Pick<OrderCancelled, "books" | "refund">)
  | { kind: "payment-failed" }
  | { kind: "comment-posted"; about: "article" | "review"; commenter: string; content: string }
  | { kind: "comment-answered"; commenter: string; content: string }
  | { kind: "promotion-reminder" };

/** A Notification's title and text. */
export interface Wording {
  title: string;
  content: string;
}

/**
 * Says what has happened.
 *
 * @param timeZone whose calendar dates are taken from.
 */
export function wordingOf(happening: Happening, voice: Voice, timeZone: string): Wording {
  const { language } = voice;
  const title = phrase(language, `${happening.kind}.title` satisfies `${Kind}.title`);
  return { title, content: phrase(language, `${happening.kind}.text`, valuesOf(happening, voice, timeZone)) };
}

function valuesOf(happening: Happening, voice: Voice, timeZone: string): Record<string, string | number> {
  switch (happening.kind) {
    case "order-placed": {
      const { total, discount, placeTime } = happening;
      return {
        ...booksOf(happening.books, voice),
        total: formatMoney(total, voice.locale),
        discounted: discount === undefined || discount.minorUnits === 0n ? "no" : "yes",
        discount: formatMoney(discount, voice.locale),
        date: new Intl.DateTimeFormat(voice.locale, { dateStyle: "long", timeZone }).format(placeTime),
      };
    }
    case "order-cancelled":
      return { ...booksOf(happening.books, voice), refund: formatMoney(happening.refund, voice.locale) };
    case "comment-posted":
      return { ...commentOf(happening), about: happening.about };
    case "comment-answered":
      return commentOf(happening);
    case "payment-failed":
    case "promotion-reminder":
      return {};
  }
}

function commentOf({ commenter, content }: { commenter: string; content: string }) {
  return { named: commenter === "" ? "no" : "yes", name: commenter, excerpt: excerpt(content) };
}

/** How many copies, and the titles of the first few. */
function booksOf(books: OrderPlaced["books"], { language, locale }: Voice) {
  const copies = (some: OrderPlaced["books"]) => some.reduce((sum, { quantity }) => sum + quantity, 0);
  const named = books.slice(0, NAMED_BOOKS).map(({ title }) => phrase(language, "book", { title }));
  const others = copies(books.slice(NAMED_BOOKS));
  const list = others === 0 ? named : [...named, phrase(language, "more-books", { count: others })];
  return { count: copies(books), books: new Intl.ListFormat(locale).format(list) };
}

/** The beginning of what somebody wrote, on one line. */
function excerpt(content: string): string {
  const characters = [...content.replaceAll(/\s+/g, " ").trim()];
  return characters.length > EXCERPT_LENGTH ? `${characters.slice(0, EXCERPT_LENGTH).join("")}…` : characters.join("");
}
