import { html } from "ghtml";

export interface Column {
  name: string;
  /** "number": aligned as numbers are. "wide": with a line of its own on a narrow screen. */
  kind?: "number" | "wide";
}

interface TableParts {
  caption: string;
  columns: readonly Column[];
  /** The cells of each row, in trusted HTML. The first one names the row. */
  rows: readonly (readonly string[])[];
  /** What is said below it, if anything. */
  note?: string;
}

/**
 * A table that becomes a list of cards on a narrow screen.
 *
 * Roles are said, as browsers forget what a table is that is not laid out as one.
 */
export function table({ caption, columns, rows, note = "" }: TableParts): string {
  const below = note === "" ? "" : html`<p class="quiet">${note}</p>`;
  return html`<table role="table">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">!${columns.map(heading)}</tr></thead>
<tbody role="rowgroup">
!${rows.map((cells) => `<tr role="row">${cells.map((cell, index) => data(cell, index, columns[index])).join("")}</tr>\n`)}
</tbody>
</table>
!${below}
`;
}

function heading({ name, kind }: Column): string {
  return html`<th scope="col" role="columnheader"!${classOf(kind)}>${name}</th>`;
}

function data(cell: string, index: number, { name, kind }: Column = { name: "" }): string {
  if (index === 0) return html`<th scope="row" role="rowheader" data-name="${name}">!${cell}</th>`;
  return html`<td role="cell" data-name="${name}"!${classOf(kind)}>!${cell}</td>`;
}

function classOf(kind: Column["kind"]): string {
  return kind === undefined ? "" : html` class="${kind}"`;
}

/** What a page shows of a list that may be longer than anybody reads: what is urgent first, if something has to go. */
export function foremost<T>(items: readonly T[], most: number, isUrgent: (item: T) => boolean): readonly T[] {
  if (items.length <= most) return items;
  const { urgent = [], other = [] } = Object.groupBy(items, (item) => (isUrgent(item) ? "urgent" : "other"));
  return [...urgent, ...other].slice(0, most);
}

/** "and 12 more", or nothing if all are shown. */
export function andMore(all: readonly unknown[], shown: readonly unknown[]): string {
  return shown.length < all.length ? `and ${all.length - shown.length} more` : "";
}
