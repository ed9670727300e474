import type { OrderedBook } from "../../gen/bookstore/events/v1/order_events.ts";
import { voiceFor } from "./phrase.ts";
import { type Happening, wordingOf } from "./wording.ts";

const USD = (minorUnits: bigint) => ({ currencyCode: "USD", minorUnits });

function book(title: string, quantity = 1): OrderedBook {
  return { bookId: 1, title, quantity, unitPrice: USD(999n) };
}

function placed(books: OrderedBook[], more: { discount?: bigint; currency?: string } = {}): Happening {
  const { currency: currencyCode = "USD", discount } = more;
  return {
    ...{ kind: "order-placed", books, total: { currencyCode, minorUnits: 123_450n } },
    discount: discount === undefined ? undefined : { currencyCode, minorUnits: discount },
    placeTime: new Date("2026-11-21T23:30:00Z"),
  };
}

function said(happening: Happening, language: string, country: string, timeZone = "UTC"): string {
  // Intl puts no-break spaces where people would type spaces.
  return wordingOf(happening, voiceFor({ language, country }), timeZone).content.replaceAll(/[\u00a0\u202f]/g, " ");
}

test("says what was ordered in the reader's language, with money and date as the reader's country writes them", () => {
  const order = placed([book("Dune", 2), book("百年孤独")], { discount: 999n });

  expect(said(order, "en", "US")).toBe(
    "Thank you! On November 21, 2026 you ordered 3 books: “Dune” and “百年孤独”. We have received $1,234.50. Our promotion saved you $9.99.",
  );
  expect(said(order, "en-GB", "")).toContain("On 21 November 2026 you ordered 3 books");
  expect(said(order, "zh-CN", "CN")).toBe(
    "谢谢惠顾！您于2026年11月21日订购了3本书：《Dune》和《百年孤独》。我们已收到您支付的US$1,234.50。本次促销为您节省了US$9.99。",
  );
  expect(said(order, "de", "DE")).toBe(
    "Vielen Dank! Am 21. November 2026 haben Sie 3 Bücher bestellt: „Dune“ und „百年孤独“. Wir haben 1.234,50 $ erhalten. Mit unserer Aktion haben Sie 9,99 $ gespart.",
  );
  expect(said(order, "es", "ES")).toBe(
    "¡Gracias! El 21 de noviembre de 2026 pidió 3 libros: «Dune» y «百年孤独». Hemos recibido 1234,50 US$. Con nuestra promoción ha ahorrado 9,99 US$.",
  );
  expect(said(order, "fr", "FR")).toBe(
    "Merci ! Le 21 novembre 2026, vous avez commandé 3 livres : « Dune » et « 百年孤独 ». Nous avons reçu 1 234,50 $US. Notre promotion vous a fait économiser 9,99 $US.",
  );
});

test("speaks to a reader whose language is no tag as to others of that language", () => {
  expect(said(placed([book("Dune")]), "de-!!", "AT")).toContain("Am 21. November 2026");
});

test("writes money of any currency by its own smallest unit", () => {
  expect(said(placed([book("Dune")], { currency: "JPY" }), "en", "US")).toContain("We have received ¥123,450.");
  expect(said(placed([book("Dune")], { currency: "KWD" }), "en", "US")).toContain("We have received KWD 123.450.");
  expect(said(placed([book("Dune")], { currency: "EUR" }), "de", "AT")).toContain("Wir haben € 1.234,50 erhalten.");
});

test("speaks of one book as of one, and of no discount where there was none", () => {
  expect(said(placed([book("Dune")]), "en", "US")).toBe(
    "Thank you! On November 21, 2026 you ordered 1 book: “Dune”. We have received $1,234.50.",
  );
  expect(said(placed([book("Dune")], { discount: 0n }), "fr", "FR")).toContain("vous avez commandé 1 livre : « Dune »");
});

test("dates an order by the reader's own calendar", () => {
  expect(said(placed([book("Dune")]), "de", "DE", "Europe/Berlin")).toContain("Am 22. November 2026");
});

test("names the first few of many books", () => {
  const order = placed(["A", "B", "C", "D", "E", "F", "G"].map((title) => book(title, 2)));

  expect(said(order, "en", "US")).toContain("14 books: “A”, “B”, “C”, “D”, “E”, and 4 more books.");
  expect(said(order, "zh", "CN")).toContain("14本书：《A》、《B》、《C》、《D》、《E》和另外4本书。");
});

test("leaves a title as it is, whatever it looks like", () => {
  expect(said(placed([book("{count} <b>'#'</b>")]), "en", "US")).toContain("“{count} <b>'#'</b>”");
});

test("says what was cancelled, and what comes back", () => {
  const order: Happening = { kind: "order-cancelled", books: [book("Dune", 2)], refund: USD(1_998n) };

  expect(said(order, "en", "US")).toBe("Your order of 2 books (“Dune”) is cancelled. You get $19.98 back.");
  expect(said(order, "de", "DE")).toBe("Ihre Bestellung von 2 Büchern („Dune“) ist storniert. Sie erhalten 19,98 $ zurück.");
});

test("says who has commented on what", () => {
  const comment = { kind: "comment-posted", commenter: "Li", content: "Well\nsaid!" } as const;

  expect(said({ ...comment, about: "article" }, "en", "")).toBe("Li has commented on your article: “Well said!”");
  expect(said({ ...comment, about: "review" }, "zh", "CN")).toBe("Li评论了您的书评：“Well said!”");
  expect(said({ ...comment, about: "review", commenter: "" }, "de", "DE")).toBe(
    "Jemand hat Ihre Rezension kommentiert: „Well said!“",
  );
  expect(said({ kind: "comment-answered", commenter: "Li", content: "¡Sí!" }, "es", "ES")).toBe(
    "Li ha respondido a su comentario: «¡Sí!»",
  );
});

test("shows the beginning of a long comment, and cuts no character in two", () => {
  const content = "😀".repeat(300);

  expect(said({ kind: "comment-answered", commenter: "Li", content }, "en", "")).toBe(
    `Li has answered your comment: “${"😀".repeat(200)}…”`,
  );
});

test("writes an amount that is too large for a floating-point number to the last digit", () => {
  const order: Happening = { kind: "order-cancelled", books: [book("Dune")], refund: USD(9_007_199_254_740_993n) };

  expect(said(order, "en", "US")).toContain("$90,071,992,547,409.93");
});

test("speaks to readers whose language is written as many systems write it", () => {
  expect(said(placed([book("Dune")]), "de_CH", "")).toContain("Am 21. November 2026 haben Sie");
  expect(voiceFor({ language: "zh_CN", country: "" })).toEqual({ language: "zh", locale: "zh-CN" });
});
