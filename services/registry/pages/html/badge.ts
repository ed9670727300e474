import { html } from "ghtml";

/** How good something is: each has its colour and its sign. */
export type Tone = "good" | "bad" | "warning" | "neutral";

const SIGNS: Readonly<Record<Tone, string>> = { good: "✓", bad: "✕", warning: "!", neutral: "·" };

/** A word or two that stand out. The colour is never the only sign. */
export function badge(tone: Tone, words: string): string {
  return html`<span class="badge ${tone}"><span class="sign" aria-hidden="true">${SIGNS[tone]}</span>${words}</span>`;
}
