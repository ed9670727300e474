import { html } from "ghtml";
import type { PageParts } from "./layout.ts";

/** A page that says what went wrong and where to go from there. */
export function problemPage(heading: string, sentence: string): PageParts {
  const main = html`<h1>${heading}</h1>
<p>${sentence}</p>
<p><a class="button" href="/">Back to the shop</a></p>`;
  return { title: `${heading} · Bookmesh`, main };
}
