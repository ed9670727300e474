import { html } from "ghtml";

export interface PageParts {
  /** The title of the window. */
  title: string;
  /** Trusted HTML. */
  main: string;
}

/** A whole page around its main part, which refresh.js replaces. */
export function layout({ title, main }: PageParts): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/assets/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
<script src="/assets/refresh.js" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the services</a>
<header class="top">
<a class="brand" href="/"><span class="mark" aria-hidden="true"></span>Bookmesh registry</a>
<p class="live" id="live" role="status"></p>
<button id="pause" type="button" hidden>Pause</button>
</header>
!${main}
<footer><p>The same for programs: <a href="/services">/services</a></p></footer>
</body>
</html>
`;
}
