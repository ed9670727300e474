import { html } from "ghtml";
import type { Cart, CartLine } from "../../../../gen/bookstore/orders/v1/cart_service.ts";
import { formatDiscount, formatPrice } from "../format.ts";
import type { PageParts } from "./layout.ts";

const DONE = { added: "It is in your cart.", changed: "Your cart is changed.", removed: "It is out of your cart." };

/** What has just been done to the cart. */
export type CartDone = keyof typeof DONE;
export const cartDoneThings = Object.keys(DONE) as CartDone[];

export interface CartParts {
  cart: Cart;
  done?: CartDone | undefined;
  /** What went wrong, in a sentence. */
  problem?: string;
  /** What somebody has typed for one line, and what is wrong with it. */
  typed?: { bookId: number; quantity: string; problem: string };
}

export function cartPage({ cart, done, problem, typed }: CartParts): PageParts {
  const said = problem ?? typed?.problem;
  const main = html`<h1>Your cart</h1>
!${said === undefined ? "" : html`<div class="alert" tabindex="-1" autofocus><p role="alert">${said}</p></div>`}
!${done === undefined ? "" : html`<p class="done" role="status">${DONE[done]}</p>`}
!${cart.lines.length === 0 ? EMPTY : filled(cart, typed)}`;
  return { title: `${said === undefined ? "" : "Problem: "}Your cart · Bookmesh`, main, personal: true, forBuyers: true };
}

const EMPTY = html`<p>There is nothing in it yet.</p>
<p><a class="button" href="/books">Find something to read</a></p>`;

function filled(cart: Cart, typed: CartParts["typed"]): string {
  return html`<div class="lines">
!${cart.lines.map((line) => lineOf(line, typed?.bookId === line.bookId ? typed : undefined))}
</div>
!${totalsOf(cart)}
!${checkOut(cart)}`;
}

function lineOf(line: CartLine, typed: CartParts["typed"]): string {
  const { bookId, quantity } = line;
  const title = line.title || `Book ${bookId}`;
  const problem = typed?.problem ?? whatIsWrong(line);
  const note = problem === undefined ? "" : html`<p class="problem" id="problem-${bookId}">${problem}</p>`;
  const marks = problem === undefined ? "" : html`aria-invalid="true" aria-describedby="problem-${bookId}"`;
  const copies = html`<form class="copies" method="post" action="/cart/items/${bookId}" novalidate>
<label for="quantity-${bookId}">Copies<span class="hidden"> of ${title}</span></label>
<input id="quantity-${bookId}" name="quantity" type="number" min="0" max="99" inputmode="numeric" autocomplete="off" required value="${typed?.quantity ?? quantity}" !${marks}>
<button class="second">Change</button>
</form>`;
  return html`<article class="line">
<img src="/covers/${bookId}.svg" alt="" width="240" height="360" loading="lazy">
<div>
<h2>!${line.gone ? html`${title}` : html`<a href="/books/${bookId}">${title}</a>`}</h2>
!${line.gone ? "" : html`<p class="quiet">${formatPrice(line.unitPrice)} each</p>`}
!${note}
!${line.gone ? "" : copies}
<form method="post" action="/cart/items/${bookId}/remove"><button class="plain">Take out<span class="hidden"> ${title}</span></button></form>
</div>
<p class="price">${formatPrice(line.total)}</p>
</article>
`;
}

function whatIsWrong({ gone, inStock }: CartLine): string | undefined {
  if (gone) return "The shop does not have this book any more. Please take it out.";
  return inStock ? undefined : "The shop does not have that many copies now.";
}

/** What it costs, line by line. */
export function totalsOf({ subtotal, discount, total }: Pick<Cart, "subtotal" | "discount" | "total">): string {
  if (total === undefined) return "";
  const off =
    discount === undefined
      ? ""
      : html`<dt>Books</dt><dd>${formatPrice(subtotal)}</dd><dt>Buy two, get one free</dt><dd class="off">${formatDiscount(discount)}</dd>`;
  return html`<dl class="totals">!${off}<dt class="total">Total</dt><dd class="total">${formatPrice(total)}</dd></dl>`;
}

function checkOut({ lines, total }: Cart): string {
  if (lines.some((line) => whatIsWrong(line) !== undefined)) {
    return html`<p class="aside">Please change the marked lines before you check out.</p>`;
  }
  if (total === undefined) {
    return html`<p class="aside">These books are sold in different currencies. Please buy those of one currency at a time.</p>`;
  }
  return html`<p class="onward"><a class="button" href="/checkout">Check out</a> <a href="/books">Look for more books</a></p>`;
}
