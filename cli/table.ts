import { stripVTControlCharacters } from "node:util";

/** One column of a table. */
export interface Column {
  readonly title: string;
  /** The default is "left". */
  readonly align?: "left" | "right";
}

/**
 * Rows of text in columns, with the titles above them. Colours do not disturb it.
 *
 * A column that is empty in every row is left out, and so is the space at the ends of the lines.
 *
 * @param heading how to show a title.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  heading: (text: string) => string = (text) => text,
): string[] {
  const shown = columns
    .map((column, index) => ({ ...column, cells: rows.map((row) => row[index] ?? "") }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""))
    .map((column) => ({ ...column, width: Math.max(...[column.title, ...column.cells].map(widthOf)) }));
  const line = (cells: readonly string[]) => {
    const padded = shown.map(({ width, align }, index) => {
      const cell = cells[index] ?? "";
      const space = " ".repeat(width - widthOf(cell));
      return align === "right" ? space + cell : cell + space;
    });
    return padded.join("  ").trimEnd();
  };
  return [
    line(shown.map(({ title }) => heading(title))),
    ...rows.map((_, row) => line(shown.map(({ cells }) => cells[row] ?? ""))),
  ];
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
