/** An amount of money, as contracts carry it. */
export interface Amount {
  /** ISO 4217: "USD". */
  readonly currencyCode: string;
  /** 1299 of "USD" are $12.99, of "JPY" ¥1,299. */
  readonly minorUnits: bigint;
}

/** An amount as a locale writes it, exactly: it goes through no floating-point number. "" if there is none. */
export function formatMoney(amount: Amount | undefined, locale: string): string {
  if (amount === undefined) return "";
  const format = new Intl.NumberFormat(locale, { style: "currency", currency: amount.currencyCode });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(decimal(amount.minorUnits, digits) as Intl.StringNumericLiteral);
}

/** 1299 with 2 digits is "12.99". */
function decimal(minorUnits: bigint, digits: number): string {
  const negative = minorUnits < 0n;
  const text = String(negative ? -minorUnits : minorUnits).padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  return `${negative ? "-" : ""}${whole}${digits === 0 ? "" : `.${text.slice(-digits)}`}`;
}
