import type { Book, Money } from "../../../gen/bookstore/catalog/v1/book.ts";

const languageNames = new Intl.DisplayNames("en", { type: "language" });

/** 1299 USD is "$12.99". */
export function formatPrice(price: Money | undefined): string {
  if (price === undefined) return "";
  const format = new Intl.NumberFormat("en", { style: "currency", currency: price.currencyCode });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(Number(price.minorUnits) / 10 ** digits);
}

/** "Agatha Christie", "A and B", "A, B and C". */
export function formatAuthors(authors: readonly string[]): string {
  return new Intl.ListFormat("en", { type: "conjunction", style: "long" }).format(authors).replace(/, and /, " and ");
}

/** -700 is "700 BC"; an unknown year is "". */
export function formatYear(year: number): string {
  return year === 0 ? "" : year < 0 ? `${-year} BC` : String(year);
}

/** "en" is "English"; an unknown language is "". */
export function formatLanguage(tag: string): string {
  try {
    return tag === "" ? "" : (languageNames.of(tag) ?? "");
  } catch {
    return "";
  }
}

/** "4.2 out of 5, 1,234 ratings", or "" if nobody rated. */
export function formatRating(rating: Book["rating"]): string {
  if (rating === undefined) return "";
  const count = new Intl.NumberFormat("en").format(rating.count);
  return `${rating.average.toFixed(1)} out of 5, ${count} ${rating.count === 1n ? "rating" : "ratings"}`;
}

/** 90,000 is "90 seconds", 100,000 is "2 minutes": never less than it is. */
export function formatWait(waitMs: number): string {
  const [amount, unit] = [
    [Math.ceil(waitMs / 1_000), "second"] as const,
    [Math.ceil(waitMs / 60_000), "minute"] as const,
    [Math.ceil(waitMs / 3_600_000), "hour"] as const,
  ].find(([amount, unit]) => amount <= 90 || unit === "hour") as [number, string];
  return new Intl.NumberFormat("en", { style: "unit", unit, unitDisplay: "long" }).format(Math.max(1, amount));
}
