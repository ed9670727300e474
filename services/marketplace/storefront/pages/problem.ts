import { html } from "ghtml";
import type { PageParts } from "./layout.ts";

export interface Onward {
  href: string;
  label: string;
}

/** A page that says what went wrong and where to go from there. */
export function problemPage(
  heading: string,
  sentence: string,
  onward: readonly Onward[] = [{ href: "/", label: "Back to the shop" }],
): PageParts {
  const links = onward.map(({ href, label }) => html`<a class="button" href="${href}">${label}</a> `);
  const main = html`<h1>${heading}</h1>
<p>${sentence}</p>
<p class="onward">!${links}</p>`;
  return { title: `${heading} · Bookmesh`, main };
}
