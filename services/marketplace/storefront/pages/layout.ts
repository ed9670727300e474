import { html } from "ghtml";
import type { Frame } from "../frame.ts";
import { localPath, withNext } from "../local-path.ts";
import type { Visitor } from "../visitor.ts";

export interface PageParts {
  /** The title of the window. */
  title: string;
  /** Trusted HTML. */
  main: string;
  /** What the search box holds. */
  query?: string;
  /** Whether the page is for one person alone, even if that is a guest. The default is false. */
  personal?: boolean;
  /** Whether it is a page on which one chooses books, and hears what is on offer. The default is false. */
  forBuyers?: boolean;
}

export interface LayoutOptions {
  visitor: Visitor;
  frame: Frame;
  /** The address of the page. */
  path: string;
}

const OFFER = html`<aside class="offer" aria-label="On offer"><p><strong>Buy two, get one free.</strong> Put three books into your cart, and the cheapest one is free: once for every reader.</p></aside>`;

/** Pages from which nobody wants to come back to them. */
const NOT_BACK_TO = /^\/(sign-in|register|welcome|goodbye)\b/;

/** A whole page around its main part. */
export function layout(
  { title, main, query = "", forBuyers = false }: PageParts,
  { visitor, frame, path }: LayoutOptions,
): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/assets/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
</head>
<body>
<a class="skip" href="#main">Skip to the books</a>
<header class="top">
<a class="brand" href="/"><span class="mark" aria-hidden="true"></span>Bookmesh</a>
<form class="search" action="/search" role="search">
<label class="hidden" for="q">Search titles and authors</label>
<input id="q" name="q" type="search" value="${query}" placeholder="Title or author" maxlength="200" required>
<button>Search</button>
</form>
<nav aria-label="Shop"><a href="/books">All books</a> !${cart(frame)} !${visitor.kind === "guest" ? door(path) : account(visitor, frame)}</nav>
</header>
!${forBuyers && frame.offer ? OFFER : ""}
<main id="main">
!${main}
</main>
<footer><p>Bookmesh is a demonstration shop. Nothing is sold for real.</p></footer>
</body>
</html>
`;
}

function door(path: string): string {
  const next = NOT_BACK_TO.test(path) ? "/" : localPath(path);
  return html`<a href="${withNext("/sign-in", next)}">Sign in</a> <a href="/register">Register</a>`;
}

function account(visitor: Exclude<Visitor, { kind: "guest" }>, { unread }: Frame): string {
  const name = visitor.kind === "signed in" ? visitor.user?.name : undefined;
  const link = name === undefined ? "Your account" : html`<span class="hidden">Your account: </span>${name}`;
  return html`<a href="/notifications">Notifications!${badge(unread, "not read", "unread")}</a> <a href="/orders">Orders</a> <a class="name" href="/account">!${link}</a> <form method="post" action="/sign-out"><button class="plain">Sign out</button></form>`;
}

function cart({ inCart }: Frame): string {
  return html`<a href="/cart">Cart!${badge(inCart, "in it", "in-cart")}</a>`;
}

/** A number beside a link, and what it counts for those who do not see where it stands. */
function badge(count: number | undefined, what: string, id: string): string {
  const shown =
    count === undefined || count === 0 ? "" : html`<span class="badge">${count}<span class="hidden"> ${what}</span></span>`;
  return html`<span id="${id}">!${shown}</span>`;
}
