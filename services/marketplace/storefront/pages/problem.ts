import { html } from "ghtml";
import { layout } from "./layout.ts";

/** A page that says what went wrong and where to go from there. */
export function problemPage(heading: string, sentence: string): string {
  const main = html`<h1>${heading}</h1>
<p>${sentence}</p>
<p><a class="button" href="/">Back to the shop</a></p>`;
  return layout({ title: `${heading} · Bookmesh`, main });
}
