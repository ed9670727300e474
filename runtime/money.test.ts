import { formatMoney } from "./money.ts";

test.each([
  [1_299n, "USD", "en", "$12.99"],
  [5n, "USD", "en", "$0.05"],
  [0n, "USD", "en", "$0.00"],
  [-1_299n, "USD", "en", "-$12.99"],
  [-5n, "USD", "en", "-$0.05"],
  [123_450n, "USD", "de-DE", "1.234,50 $"],
  [1_299n, "JPY", "en", "¥1,299"],
  [1_299n, "KWD", "en", "KWD 1.299"],
])("%d of the smallest unit of %s is in %s %j", (minorUnits, currencyCode, locale, written) => {
  // Intl puts no-break spaces where people would type spaces.
  expect(formatMoney({ currencyCode, minorUnits }, locale).replaceAll("\u00a0", " ")).toBe(written);
});

test("an amount too large for a floating-point number is written to the last digit", () => {
  expect(formatMoney({ currencyCode: "USD", minorUnits: 9_223_372_036_854_775_807n }, "en")).toBe("$92,233,720,368,547,758.07");
});

test("no amount is no text", () => {
  expect(formatMoney(undefined, "en")).toBe("");
});
