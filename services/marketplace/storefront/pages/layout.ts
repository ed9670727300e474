import { html } from "ghtml";

export interface PageParts {
  /** The title of the window. */
  title: string;
  /** Trusted HTML. */
  main: string;
  /** What the search box holds. */
  query?: string;
}

/** A whole page around its main part. */
export function layout({ title, main, query = "" }: PageParts): string {
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
<nav aria-label="Shop"><a href="/books">All books</a> <a href="/register">Register</a></nav>
</header>
<main id="main">
!${main}
</main>
<footer><p>Bookmesh is a demonstration shop. Nothing is sold for real.</p></footer>
</body>
</html>
`;
}
