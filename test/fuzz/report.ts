import type { Counts } from "./counts.ts";
import { MOST_ADDED_BYTES } from "./memory.ts";
import type { FuzzReport } from "./run.ts";

/** A table of what was tried and how it ended. */
export function tableOf({ kinds }: Counts): string {
  const rows = [...kinds]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, { cases, endings, hangs, problems }]) => {
      const parts = [...endings].toSorted(([, a], [, b]) => b - a).map(([ending, count]) => `${ending} ${count}`);
      return [kind, String(cases), String(hangs), String(problems), parts.join(", ")];
    });
  const total = (column: number) => String(rows.reduce((sum, row) => sum + Number(row[column]), 0));
  const all = [["kind", "cases", "hangs", "problems", "endings"], ...rows, ["together", total(1), total(2), total(3), ""]];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map(([kind = "", ...rest]) => {
      const numbers = rest.slice(0, 3).map((cell, index) => cell.padStart(widths[index + 1] ?? 0));
      return [kind.padEnd(widths[0] ?? 0), ...numbers, rest[3]].join("  ").trimEnd();
    })
    .join("\n");
}

const MIB = 2 ** 20;
/** No call of a good caller takes longer, whatever others do. */
const SLOWEST_MS = 5_000;

/** What was counted besides. */
export function summaryOf({ stringFields, exits, troubles, memory, bystander }: FuzzReport): string {
  const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
  const { before, peakRss, after } = memory;
  return [
    `string fields ${stringFields.count}, not reached ${stringFields.missed.length}`,
    `exits ${exits}, unhandled rejections and warnings ${troubles.length}`,
    `resident ${mib(before.rss)} before, ${mib(peakRss)} at most, ${mib(after.rss)} after; heap ${mib(before.heapUsed)} before, ${mib(after.heapUsed)} after`,
    `bystander: ${bystander.calls} calls, ${bystander.failures.length} failed, ${bystander.refused} refused for load, 99% within ${Math.round(bystander.p99Ms)} ms, slowest ${Math.round(bystander.slowestMs)} ms`,
  ].join("\n");
}

/** Everything that should not have been, each as a sentence. */
export function problemsOf({ counts, stringFields, exits, troubles, memory, bystander }: FuzzReport): string[] {
  const added = memory.peakRss - memory.before.rss;
  return [
    ...(exits > 0 ? ["the target has ended"] : []),
    ...troubles,
    ...counts.problems,
    ...stringFields.missed.map((name) => `nobody has sent text that is none in ${name}`),
    ...bystander.failures.map((failure) => `bystander: ${failure}`),
    ...(bystander.slowestMs > SLOWEST_MS ? [`a call of the bystander took ${Math.round(bystander.slowestMs)} ms`] : []),
    ...(added > MOST_ADDED_BYTES ? [`callers added ${Math.round(added / MIB)} MiB`] : []),
  ];
}
