import { html } from "ghtml";
import type { OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { type Amount, formatMoney } from "../../runtime/money.ts";

const moment = new Intl.DateTimeFormat("en", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });

const money = (amount: Amount | undefined) => formatMoney(amount, "en");

/** A page that stands for itself: it loads nothing, runs nothing, and prints on one sheet or more. */
export function receiptPage(order: OrderPlaced): string {
  const { orderId, books, discount, total, placeTime } = order;
  const lines = books.map(({ title, quantity, unitPrice }) => {
    const sum = unitPrice && { ...unitPrice, minorUnits: unitPrice.minorUnits * BigInt(quantity) };
    return html`<tr><td>${title}</td><td>${quantity}</td><td>${money(unitPrice)}</td><td>${money(sum)}</td></tr>
`;
  });
  const minus = discount && { ...discount, minorUnits: -discount.minorUnits };
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Receipt of order ${orderId}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 42rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #ccc; padding: .4rem; text-align: right; vertical-align: top; }
th:first-child, td:first-child { overflow-wrap: anywhere; text-align: left; }
tfoot tr:last-child { font-weight: bold; }
@media print { body { margin: 0; } tr { break-inside: avoid; } }
</style>
</head>
<body>
<h1>Receipt</h1>
<p>Order ${orderId}<br>!${placeTime === undefined ? "" : html`<time datetime="${placeTime.toISOString()}">${moment.format(placeTime)} UTC</time>`}</p>
<table>
<thead><tr><th>Book</th><th>Copies</th><th>Price</th><th>Sum</th></tr></thead>
<tbody>
!${lines}</tbody>
<tfoot>
!${
    minus === undefined
      ? ""
      : html`<tr><td colspan="3">!${order.buyTwoGetOneFreePromo ? "Discount: buy two, get one free" : "Discount"}</td><td>${money(minus)}</td></tr>
`
  }<tr><td colspan="3">Paid</td><td>${money(total)}</td></tr>
</tfoot>
</table>
<p>Bookmesh</p>
</body>
</html>
`;
}
