import { html } from "ghtml";
import type { Book } from "../../../gen/bookstore/catalog/v1/book.ts";

const WIDTH = 240;
const HEIGHT = 360;
/** Cloth, band and lettering of each category, by its number. */
const CLOTHS: readonly (readonly [string, string, string])[] = [
  ["#3d4451", "#59617a", "#f4f1ea"],
  ["#4a1420", "#8c2f39", "#f7e7ce"],
  ["#10263f", "#2a6f97", "#e0f0fa"],
  ["#c8553d", "#f28f3b", "#fff6ea"],
  ["#2d1e4f", "#6a4c93", "#f2e9ff"],
  ["#1f3a2d", "#4f7a5b", "#f3efe0"],
  ["#5b3a21", "#a47148", "#fdf3e3"],
  ["#37474f", "#78909c", "#ffffff"],
  ["#004d4d", "#149a9a", "#e6fffb"],
  ["#3a3226", "#8d7b5f", "#f6f0e4"],
  ["#6b2d5c", "#b56598", "#ffeaf6"],
  ["#b3541e", "#e3a008", "#fffbe6"],
  ["#7a1f3d", "#d4557a", "#fff0f3"],
  ["#161616", "#6e1414", "#f2d7d7"],
  ["#14324a", "#c69c3f", "#f7f3e8"],
  ["#135e6b", "#5fb3a1", "#effaf6"],
  ["#454b57", "#8a93a6", "#f7f8fa"],
];

/** A cover for a Book: its title and author on the cloth of its category. An SVG picture without scripts. */
export function coverOf(book: Book): string {
  const [cloth, band, ink] = CLOTHS[book.category] ?? (CLOTHS[0] as readonly [string, string, string]);
  const { size, lines: titleLines } = fitTitle(book.title);
  const authorLines = wrap(book.authors[0] ?? "", 22).slice(0, 2);
  const top = 92;
  const text = (lines: readonly string[], y: number, step: number) =>
    lines.map((line, i) => html`<tspan x="24" y="${y + i * step}">${line}</tspan>`).join("");
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}">
<rect width="${WIDTH}" height="${HEIGHT}" fill="${cloth}"/>
!${ornament(book.id, band)}
<rect width="9" height="${HEIGHT}" fill="#000" opacity=".22"/><rect x="9" width="2" height="${HEIGHT}" fill="#fff" opacity=".12"/>
<rect x="24" y="52" width="44" height="4" fill="${ink}" opacity=".8"/>
<text font-family="Georgia, 'Times New Roman', serif" font-weight="700" font-size="${size}" fill="${ink}">!${text(titleLines, top, size * 1.16)}</text>
<text font-family="Georgia, 'Times New Roman', serif" font-size="16" fill="${ink}" opacity=".9">!${text(authorLines, HEIGHT - 26 - (authorLines.length - 1) * 20, 20)}</text>
</svg>`;
}

/** A pattern that differs from book to book. */
function ornament(id: number, colour: string): string {
  const turn = (id * 37) % 90;
  switch (id % 4) {
    case 0:
      return html`<g fill="none" stroke="${colour}" stroke-width="10" opacity=".55"><circle cx="190" cy="270" r="46"/><circle cx="190" cy="270" r="76"/><circle cx="190" cy="270" r="106"/></g>`;
    case 1:
      return html`<g fill="${colour}" opacity=".5" transform="rotate(${turn - 45} 170 260)"><rect x="60" y="210" width="220" height="22"/><rect x="60" y="246" width="220" height="22"/><rect x="60" y="282" width="220" height="22"/></g>`;
    case 2:
      return html`<path d="M0 ${230 + (id % 5) * 8} Q60 190 120 ${240 - (id % 3) * 10} T240 230 V360 H0Z" fill="${colour}" opacity=".55"/>`;
    default:
      return html`<g fill="${colour}" opacity=".55"><path d="M240 160 V360 H60Z"/><path d="M240 250 V360 H150Z" fill="#fff" opacity=".12"/></g>`;
  }
}

/** The largest lettering in which a title fits, and its lines. */
function fitTitle(title: string): { size: number; lines: string[] } {
  for (const size of [31, 26, 21, 17]) {
    // A bold serif letter is about 0.63 of its size wide; 202 of 240 are left between the margins.
    const width = Math.floor(202 / (0.63 * size));
    const lines = wrap(title, width);
    if (lines.length * size < 165 && lines.every((line) => line.length <= width)) return { size, lines };
  }
  return { size: 15, lines: wrap(title, 21).slice(0, 9) };
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
