import { html } from "ghtml";
import { type Order, OrderState } from "../../../../gen/bookstore/orders/v1/orders_service.ts";
import { formatCount, formatDay, formatDiscount, formatMoment, formatPrice } from "../format.ts";
import { nextPage } from "./book-list.ts";
import type { PageParts } from "./layout.ts";

const STATES: Readonly<Partial<Record<OrderState, string>>> = {
  [OrderState.ORDER_STATE_PENDING_PAYMENT]: "Waiting for its payment",
  [OrderState.ORDER_STATE_PLACED]: "Paid",
  [OrderState.ORDER_STATE_PAYMENT_DECLINED]: "Payment declined: nothing was paid",
  [OrderState.ORDER_STATE_EXPIRED]: "Never paid, and over",
  [OrderState.ORDER_STATE_CANCELLED]: "Called off, and the money given back",
};

function stateOf({ state, cancelRequestTime }: Order): string {
  if (state === OrderState.ORDER_STATE_PLACED && cancelRequestTime !== undefined) return "Being called off";
  return STATES[state] ?? "";
}

export function canBeCancelled({ state, cancelRequestTime }: Order): boolean {
  return state === OrderState.ORDER_STATE_PLACED && cancelRequestTime === undefined;
}

function copiesIn({ lines }: Order): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}

export function ordersPage(orders: readonly Order[], next: string | undefined): PageParts {
  const list =
    orders.length === 0
      ? html`<p>You have not ordered anything yet.</p>
<p><a class="button" href="/books">Find something to read</a></p>`
      : html`<div class="rows">!${orders.map(row)}</div>
!${nextPage(next)}`;
  return {
    title: "Your orders · Bookmesh",
    main: html`<h1>Your orders</h1>
!${list}`,
  };
}

function row(order: Order): string {
  const titles = order.lines.map(({ title }) => title).join(", ");
  return html`<article class="row">
<h2><a href="/orders/${order.id}">${formatDay(order.createTime)}</a></h2>
<p class="quiet">${formatCount(copiesIn(order), "book")}: ${titles}</p>
<p><span class="state">${stateOf(order)}</span> <span class="price">${formatPrice(order.total)}</span></p>
</article>
`;
}

export interface OrderParts {
  order: Order;
  /** Whether there is a receipt. Undefined if nobody can say. */
  receipt: boolean | undefined;
  problem?: string;
}

export function orderPage({ order, receipt, problem }: OrderParts): PageParts {
  const main = html`<h1>Order of ${formatDay(order.createTime)}</h1>
!${problem === undefined ? "" : html`<div class="alert" tabindex="-1" autofocus><p role="alert">${problem}</p></div>`}
<p class="lead" role="status">!${standing(order)}</p>
<section aria-labelledby="books">
<h2 id="books">Books</h2>
<dl class="totals">!${order.lines.map(({ bookId, title, quantity, total }) => html`<dt>${quantity} × <a href="/books/${bookId}">${title}</a></dt><dd>${formatPrice(total)}</dd>`)}</dl>
!${sumsOf(order)}
!${receiptOf(order, receipt)}
</section>
<section aria-labelledby="history">
<h2 id="history">How it went</h2>
<ol class="history">
!${historyOf(order)}
</ol>
</section>
!${canBeCancelled(order) ? html`<p class="aside"><a href="/orders/${order.id}/cancel">Call this order off</a></p>` : ""}
<p class="aside">Its number is <code>${order.id}</code>. <a href="/orders">All your orders</a></p>`;
  return { title: `Order of ${formatDay(order.createTime)} · Bookmesh`, main };
}

function standing(order: Order): string {
  switch (order.state) {
    case OrderState.ORDER_STATE_PLACED:
      return order.cancelRequestTime === undefined
        ? "Thank you. It is paid, and the books are yours."
        : html`The payment provider is slow: you get your money back as soon as it answers. <a href="/orders/${order.id}">Look again</a>`;
    case OrderState.ORDER_STATE_PENDING_PAYMENT:
      return html`The payment provider takes its time. The books are kept for you: you need not do anything. <a href="/orders/${order.id}">Look again</a>`;
    case OrderState.ORDER_STATE_PAYMENT_DECLINED:
      return html`The payment was declined. Nothing was paid. <a href="/cart">To your cart</a>`;
    case OrderState.ORDER_STATE_EXPIRED:
      return html`The payment never arrived. Nothing was paid, and nothing will be. <a href="/cart">To your cart</a>`;
    default:
      return "You have called it off, and have your money back.";
  }
}

/** A discount says where it comes from. */
function sumsOf({ subtotal, discount, total, buyTwoGetOneFreePromo }: Order): string {
  const off =
    discount === undefined
      ? ""
      : html`<dt>Sum</dt><dd>${formatPrice(subtotal)}</dd><dt>${buyTwoGetOneFreePromo ? "Buy two, get one free" : "Discount"}</dt><dd class="off">${formatDiscount(discount)}</dd>`;
  return html`<dl class="totals">!${off}<dt class="total">Total</dt><dd class="total">${formatPrice(total)}</dd></dl>`;
}

function receiptOf({ id, state }: Order, receipt: boolean | undefined): string {
  if (state !== OrderState.ORDER_STATE_PLACED && state !== OrderState.ORDER_STATE_CANCELLED) return "";
  if (receipt === undefined) return html`<p class="quiet">Receipts are taking a break. Yours is not lost.</p>`;
  if (!receipt) return html`<p class="quiet">The receipt is being made. <a href="/orders/${id}">Look again</a></p>`;
  return html`<p><a class="button second" href="/orders/${id}/receipt">Receipt</a></p>`;
}

function historyOf({ history }: Order): string[] {
  return history.map(
    ({
      state,
      time,
    }) => html`<li><strong>${STATES[state] ?? ""}</strong> <time datetime="${time?.toISOString() ?? ""}">${formatMoment(time)}</time></li>
`,
  );
}

export function cancelPage({ id, total, createTime }: Order): PageParts {
  const main = html`<h1>Call off this order?</h1>
<p>You have ordered on ${formatDay(createTime)}, and paid ${formatPrice(total)}. You get it back, and the books go back on their shelves.</p>
<form class="form" method="post" action="/orders/${id}/cancel"><button>Call it off</button></form>
<p class="aside"><a href="/orders/${id}">Keep the order</a></p>`;
  return { title: "Call off an order · Bookmesh", main };
}
