import { priceOf } from "./price.ts";

function line(minorUnits: bigint, quantity: number, currencyCode = "USD") {
  return { bookId: Number(minorUnits), title: "A book", quantity, unitPrice: { currencyCode, minorUnits } };
}

test.each([
  ["two copies", [line(1000n, 2)], 2000n, 0n],
  ["three copies of one book", [line(1000n, 3)], 3000n, 1000n],
  ["three books", [line(1500n, 1), line(999n, 1), line(1200n, 1)], 3699n, 999n],
  ["six copies, of which one alone is free", [line(1500n, 3), line(999n, 3)], 7497n, 999n],
  ["a book that costs nothing", [line(1500n, 2), line(0n, 1)], 3000n, 0n],
])("takes the cheapest copy off: %s", (_what, lines, subtotal, discount) => {
  expect(priceOf(lines, { promotion: true })).toEqual({ currencyCode: "USD", subtotal, discount, total: subtotal - discount });
});

test("takes nothing off for a user who has used the promotion", () => {
  expect(priceOf([line(1000n, 3)], { promotion: false })).toMatchObject({ discount: 0n, total: 3000n });
});

test("adds up to the last cent where a floating-point number would not", () => {
  expect(priceOf([line(9_007_199_254_740_993n, 3)], { promotion: false })?.total).toBe(27_021_597_764_222_979n);
});

test("has no price for nothing, and none for two currencies", () => {
  expect(priceOf([], { promotion: true })).toBeUndefined();
  expect(() => priceOf([line(1n, 1), line(1n, 1, "EUR")], { promotion: true })).toThrow("one currency");
});
