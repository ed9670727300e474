import type { Money } from "../../gen/bookstore/catalog/v1/book.ts";
import { Failure } from "../../runtime/errors.ts";

/** Some copies of one book, at the price of now. */
export interface PricedLine {
  bookId: number;
  title: string;
  quantity: number;
  unitPrice: Money;
}

/** What lines cost together, in minor units of one currency. */
export interface Price {
  currencyCode: string;
  subtotal: bigint;
  /** What the promotion takes off; 0 where it does not apply. */
  discount: bigint;
  total: bigint;
}

/** From this many copies on, the cheapest one is free. */
const PROMOTION_COPIES = 3;

/**
 * Adds up lines. "Buy two, get one free" takes the cheapest copy off, once,
 * however many copies there are.
 *
 * @returns undefined if there is nothing to pay for.
 * @throws Failure "failed-precondition" if there are several currencies.
 */
export function priceOf(lines: readonly PricedLine[], options: { promotion: boolean }): Price | undefined {
  const [first] = lines;
  if (first === undefined) return undefined;
  const { currencyCode } = first.unitPrice;
  if (lines.some(({ unitPrice }) => unitPrice.currencyCode !== currencyCode)) {
    throw new Failure("failed-precondition", "one order has one currency", { reason: "MIXED_CURRENCIES" });
  }
  const copies = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const subtotal = lines.reduce((sum, line) => sum + lineTotal(line), 0n);
  const [cheapest = 0n] = lines.map(({ unitPrice }) => unitPrice.minorUnits).toSorted((one, other) => Number(one - other));
  const discount = options.promotion && copies >= PROMOTION_COPIES ? cheapest : 0n;
  return { currencyCode, subtotal, discount, total: subtotal - discount };
}

/** What the copies of one line cost together, in minor units. */
export function lineTotal({ unitPrice, quantity }: Pick<PricedLine, "unitPrice" | "quantity">): bigint {
  return unitPrice.minorUnits * BigInt(quantity);
}
