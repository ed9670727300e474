/** What one round found out about one server. */
export interface Round {
  callsPerSecond: number;
  /** CPU time of the server process, user and system. */
  cpuMicrosPerCall: number;
}

/** How good ours is compared with bare grpc-js: 1 is as good, less is worse. */
export interface Ratios {
  throughput: number;
  cpu: number;
}

/** The ratios of each pair of neighbouring rounds, and of those the median: what disturbs both servers does not count. */
export function ratiosOf(bare: readonly Round[], ours: readonly Round[]): Ratios {
  return { throughput: median(throughputRatios(bare, ours)), cpu: median(cpuRatios(bare, ours)) };
}

export function table(bare: readonly Round[], ours: readonly Round[]): string {
  const throughput = (round: Round) => round.callsPerSecond;
  const cpu = (round: Round) => round.cpuMicrosPerCall;
  const cores = (round: Round) => (round.callsPerSecond * round.cpuMicrosPerCall) / 1_000_000;
  const rows = [
    ["", "bare grpc-js", "Bookmesh, whole chain", "ratio"],
    ["calls a second", range(bare.map(throughput), 0), range(ours.map(throughput), 0), range(throughputRatios(bare, ours), 2)],
    ["server CPU a call, µs", range(bare.map(cpu), 1), range(ours.map(cpu), 1), range(cpuRatios(bare, ours), 2)],
    ["cores kept busy", range(bare.map(cores), 2), range(ours.map(cores), 2), ""],
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}

function throughputRatios(bare: readonly Round[], ours: readonly Round[]): number[] {
  return ours.map((round, i) => round.callsPerSecond / (bare[i]?.callsPerSecond ?? Number.NaN));
}

function cpuRatios(bare: readonly Round[], ours: readonly Round[]): number[] {
  return ours.map((round, i) => (bare[i]?.cpuMicrosPerCall ?? Number.NaN) / round.cpuMicrosPerCall);
}

/** "median (least to most)" */
function range(values: readonly number[], decimals: number): string {
  const text = (value: number) =>
    value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return `${text(median(values))} (${text(Math.min(...values))} to ${text(Math.max(...values))})`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
