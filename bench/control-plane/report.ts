import type { Delivery, Size, Spending } from "./mesh.ts";
import type { Memory } from "./registry-process.ts";

/** 20 changes, one after the other. */
export interface Round {
  readonly deliveries: readonly (Delivery & { readonly acceptedMs: number })[];
  /** CPU time of the registry for one change, without what it spends when nothing changes. */
  readonly cpuMsAChange: number;
}

/** What was found out about one registry. */
export interface Findings {
  readonly size: Size;
  readonly start: Delivery & Spending;
  /** When nothing changes. */
  readonly idle: Spending;
  readonly rounds: readonly Round[];
  readonly memory: Readonly<Record<"empty" | "services" | "clients" | "changes", Memory>>;
}

export interface Burst {
  readonly what: string;
  readonly changes: number;
  readonly delivery: Delivery;
  readonly spending: Spending;
}

/** How much dearer one change is than in the smallest mesh: the median of neighbouring rounds. */
export function cpuRatioOf(smallest: Findings, other: Findings): number {
  return median(other.rounds.map(({ cpuMsAChange }, i) => cpuMsAChange / (smallest.rounds[i]?.cpuMsAChange ?? Number.NaN)));
}

export function nameOf({ size: { services, wanted } }: Findings): string {
  return wanted === services ? number(services, 0) : `${number(wanted, 0)} of ${number(services, 0)}`;
}

/** One column for each mesh, and beside those that are larger than the first how much more it is. */
export function table(all: readonly Findings[]): string {
  const [smallest] = all;
  const row = (label: string, decimals: number, pick: (findings: Findings) => number, ratioOf = ratioBy(pick)) => [
    label,
    ...all.flatMap((one) => {
      const cell = number(pick(one), decimals);
      return one === smallest || smallest === undefined ? [cell] : [cell, `(${number(ratioOf(smallest, one), 2)})`];
    }),
  ];
  const megabytes = (label: string, stage: keyof Findings["memory"]) => [
    label,
    ...all.flatMap(({ memory }, i) => {
      const { rss, heap, buffers } = memory[stage];
      const cell = [rss, heap, buffers].map((bytes) => number(bytes / 1_000_000, 0)).join(" / ");
      return i === 0 ? [cell] : [cell, ""];
    }),
  ];
  return aligned([
    ["services, all of them wanted or a part", ...all.flatMap((one, i) => (i === 0 ? [nameOf(one)] : [nameOf(one), "ratio"]))],
    ["200 clients start"],
    row("  until the last has everything, ms", 0, ({ start }) => start.receivedMs),
    row("  registry CPU, ms", 0, ({ start }) => start.cpuMs),
    row("  registry blocked for up to, ms", 0, ({ start }) => start.blockedMs),
    row("  to a client, kB", 1, ({ start }) => start.bytesReceived / 1_000),
    row("  from a client, kB", 1, ({ start }) => start.bytesSent / 1_000),
    ["One endpoint changes"],
    row("  until the last has received it, ms", 1, (findings) => median(receivedMs(findings))),
    row("    99th percentile", 1, (findings) => quantile(receivedMs(findings), 0.99)),
    row("    longest", 1, (findings) => Math.max(...receivedMs(findings))),
    row("  until all have accepted it, ms", 1, (findings) => median(deliveries(findings).map(({ acceptedMs }) => acceptedMs))),
    row("  registry CPU, ms", 2, ({ rounds }) => median(rounds.map(({ cpuMsAChange }) => cpuMsAChange)), cpuRatioOf),
    row("  responses to a client", 2, (findings) => mean(deliveries(findings).map(({ responses }) => responses))),
    row("  to a client, bytes", 0, (findings) => mean(deliveries(findings).map(({ bytesReceived }) => bytesReceived))),
    row("  from a client, bytes", 0, (findings) => mean(deliveries(findings).map(({ bytesSent }) => bytesSent))),
    ["Nothing changes"],
    row("  registry CPU a second, ms", 1, ({ idle }) => (idle.cpuMs / idle.elapsedMs) * 1_000),
    ["Memory of the registry, MB: resident / heap / buffers"],
    megabytes("  empty", "empty"),
    megabytes("  with the services", "services"),
    megabytes("  with the clients", "clients"),
    megabytes("  after the changes", "changes"),
    row("  at its highest, resident", 0, ({ memory }) => memory.changes.highestRss / 1_000_000),
  ]);
}

export function burstTable(bursts: readonly Burst[]): string {
  const row = (label: string, decimals: number, pick: (burst: Burst) => number) => [
    label,
    ...bursts.map((burst) => number(pick(burst), decimals)),
  ];
  return aligned([
    ["1,000 endpoints of 1,000 services change in a second", ...bursts.map(({ what }) => what)],
    row("  until the last has the last, ms", 0, ({ delivery }) => delivery.receivedMs),
    row("  registry CPU, ms", 0, ({ spending }) => spending.cpuMs),
    row("  registry CPU a change, ms", 2, ({ spending, changes }) => spending.cpuMs / changes),
    row("  registry blocked for up to, ms", 0, ({ spending }) => spending.blockedMs),
    row("  responses to a client", 1, ({ delivery }) => delivery.responses),
    row("  to a client, kB", 1, ({ delivery }) => delivery.bytesReceived / 1_000),
    row("  from a client, kB", 1, ({ delivery }) => delivery.bytesSent / 1_000),
  ]);
}

function ratioBy(pick: (findings: Findings) => number) {
  return (smallest: Findings, other: Findings) => pick(other) / pick(smallest);
}

function deliveries({ rounds }: Findings) {
  return rounds.flatMap((round) => round.deliveries);
}

function receivedMs(findings: Findings): number[] {
  return deliveries(findings).map((delivery) => delivery.receivedMs);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    // The lines that stand alone do not make a column wide.
    Math.max(...rows.map((row) => (row.length > 1 ? (row[column]?.length ?? 0) : 0))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}

function number(value: number, decimals: number): string {
  return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}
