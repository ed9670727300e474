import type { Money } from "../../gen/bookstore/catalog/v1/book.ts";

/** 1299 USD is "$12.99", exactly: no amount goes through a floating-point number. */
export function formatMoney(money: Money | undefined): string {
  if (money === undefined) return "";
  const format = new Intl.NumberFormat("en", { style: "currency", currency: money.currencyCode });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(decimal(money.minorUnits, digits) as Intl.StringNumericLiteral);
}

/** 1299 with 2 digits is "12.99". */
function decimal(minorUnits: bigint, digits: number): string {
  const negative = minorUnits < 0n;
  const text = String(negative ? -minorUnits : minorUnits).padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  return `${negative ? "-" : ""}${whole}${digits === 0 ? "" : `.${text.slice(-digits)}`}`;
}
