import type { Book, Money } from "../../../gen/bookstore/catalog/v1/book.ts";
import { formatMoney } from "../../../runtime/money.ts";

const languageNames = new Intl.DisplayNames("en", { type: "language" });

/** 1299 USD is "$12.99". Exact, however much it is. */
export function formatPrice(price: Money | undefined): string {
  return formatMoney(price, "en");
}

/** What is taken off: 899 USD is "−$8.99". */
export function formatDiscount(discount: Money): string {
  return `−${formatPrice(discount)}`;
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

const moments = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });

/** "21 November 2026 at 20:07 UTC": nobody has said where the reader is. */
export function formatMoment(moment: Date | undefined): string {
  return moment === undefined ? "" : `${moments.format(moment)} UTC`;
}

const days = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });

/** "21 November 2026" */
export function formatDay(moment: Date | undefined): string {
  return moment === undefined ? "" : days.format(moment);
}

const counts = new Intl.NumberFormat("en");

/** "1 book", "1,234 books" */
export function formatCount(count: number | bigint, one: string, many = `${one}s`): string {
  return `${counts.format(count)} ${count === 1 || count === 1n ? one : many}`;
}

const BYTE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** 1500n is "1.5 kB". */
export function formatBytes(bytes: bigint): string {
  if (bytes < 1_000n) return formatCount(bytes, "byte");
  const power = Math.min(Math.floor((String(bytes).length - 1) / 3), BYTE_UNITS.length - 1);
  const format = new Intl.NumberFormat("en", { style: "unit", unit: BYTE_UNITS[power] as string, maximumFractionDigits: 1 });
  return format.format(Number(bytes) / 1_000 ** power);
}
