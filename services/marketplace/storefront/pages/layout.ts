import { html } from "ghtml";
import { localPath, withNext } from "../local-path.ts";
import type { Visitor } from "../visitor.ts";

export interface PageParts {
  /** The title of the window. */
  title: string;
  /** Trusted HTML. */
  main: string;
  /** What the search box holds. */
  query?: string;
}

/** Pages from which nobody wants to come back to them. */
const NOT_BACK_TO = /^\/(sign-in|register|welcome|goodbye)\b/;

/** A whole page around its main part. @param path the address of the page. */
export function layout({ title, main, query = "" }: PageParts, { visitor, path }: { visitor: Visitor; path: string }): string {
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
<nav aria-label="Shop"><a href="/books">All books</a> !${visitor.kind === "guest" ? door(path) : account(visitor)}</nav>
</header>
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

function account(visitor: Exclude<Visitor, { kind: "guest" }>): string {
  const name = visitor.kind === "signed in" ? visitor.user?.name : undefined;
  const link = name === undefined ? "Your account" : html`<span class="hidden">Your account: </span>${name}`;
  return html`<a class="name" href="/account">!${link}</a> <form method="post" action="/sign-out"><button class="plain">Sign out</button></form>`;
}
