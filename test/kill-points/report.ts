import type { Outcome } from "./run.ts";

const HEAD = ["point", "runs", "killed", "orders", "acknowledged", "repeated", "lost", "doubled", "half"];

/** One line a point, and their sums. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ point, runs, killed, orders, acknowledged, repeated, faults }) => {
    return [point.name, ...[runs, killed, orders, acknowledged, repeated, faults.lost, faults.doubled, faults.half].map(String)];
  });
  const sums = HEAD.slice(1).map((_, i) => String(rows.reduce((sum, row) => sum + Number(row[i + 1]), 0)));
  const all = [HEAD, ...rows, ["together", ...sums]];
  const widths = HEAD.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
  return all.map(line).join("\n");
}
