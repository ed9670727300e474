import { html } from "ghtml";
import type { Money } from "../../../../gen/bookstore/catalog/v1/book.ts";
import type { Cart } from "../../../../gen/bookstore/orders/v1/cart_service.ts";
import { formatPrice } from "../format.ts";
import { totalsOf } from "./cart.ts";
import type { PageParts } from "./layout.ts";

/** The means of payment of the simulated provider, by the tokens that it knows. */
const MEANS = {
  tok_ok: ["A card that works", "It is charged at once."],
  tok_declined: ["A card that is declined", "You can try again with another one."],
  tok_slow: ["A card of a slow bank", "The order waits some seconds for its payment."],
} as const;

export function isMeansOfPayment(token: string): boolean {
  return Object.hasOwn(MEANS, token);
}

/** What is sent besides the means of payment. */
export interface Purchase {
  /** Names this one order, however often the form is sent. */
  key: string;
  /** What the buyer was told that it costs. */
  total: Money;
  /** Of the cart that the buyer was shown. */
  revision: string;
}

export interface CheckoutParts {
  cart: Cart & { total: Money };
  key: string;
  /** What is chosen. */
  payment?: string;
  problem?: string;
  /** What is wrong with the choice. */
  paymentProblem?: string;
}

export function checkoutPage({ cart, key, payment = "tok_ok", problem, paymentProblem }: CheckoutParts): PageParts {
  const { total, revision } = cart;
  const said = problem ?? paymentProblem;
  const choices = Object.entries(MEANS).map(([token, [name, hint]]) => choice(token, name, hint, token === payment));
  const wrong = paymentProblem === undefined ? "" : html`<p class="problem" id="payment-problem">${paymentProblem}</p>`;
  const main = html`<h1>Check out</h1>
!${said === undefined ? "" : html`<div class="alert" tabindex="-1" autofocus><p role="alert">${said}</p></div>`}
<section aria-labelledby="what">
<h2 id="what">What you buy</h2>
<dl class="totals">!${cart.lines.map(({ title, quantity, total }) => html`<dt>${quantity} × ${title}</dt><dd>${formatPrice(total)}</dd>`)}</dl>
!${totalsOf(cart)}
</section>
<form class="form" method="post" action="/checkout">
!${hidden({ key, total, revision })}
<fieldset!${paymentProblem === undefined ? "" : ' aria-describedby="payment-problem"'}>
<legend>How you pay</legend>
<p class="hint">The payment provider is simulated: no money moves, and you need no card. Choose what shall happen.</p>
!${wrong}
!${choices}
</fieldset>
<button>Buy for ${formatPrice(total)}</button>
</form>
<p class="aside"><a href="/cart">Change the cart</a></p>`;
  return { title: `${said === undefined ? "" : "Problem: "}Check out · Bookmesh`, main };
}

function choice(token: string, name: string, hint: string, chosen: boolean): string {
  return html`<label class="choice"><input type="radio" name="payment" value="${token}"!${chosen ? " checked" : ""}> <span><strong>${name}</strong> <span class="hint">${hint}</span></span></label>
`;
}

function hidden({ key, total, revision }: Purchase): string {
  return html`<input type="hidden" name="key" value="${key}"><input type="hidden" name="currency" value="${total.currencyCode}"><input type="hidden" name="minorUnits" value="${total.minorUnits}"><input type="hidden" name="revision" value="${revision}">`;
}

/** When nobody can say whether the order was placed: sending the same again is safe. */
export function uncertainPage({ payment, ...purchase }: Purchase & { payment: string }): PageParts {
  const main = html`<h1>We did not hear back</h1>
<div class="alert" tabindex="-1" autofocus><p role="alert">A part of the shop does not answer just now.</p></div>
<p>Your cart is not lost. If you try again with this button, you buy once and pay once, even if your order has come through already.</p>
<form class="form" method="post" action="/checkout">
!${hidden(purchase)}
<input type="hidden" name="payment" value="${payment}">
<button>Try again to buy for ${formatPrice(purchase.total)}</button>
</form>
<p class="aside">Or <a href="/orders">look whether it is among your orders</a>.</p>`;
  return { title: "Problem: We did not hear back · Bookmesh", main };
}
