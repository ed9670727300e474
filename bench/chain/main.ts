import { availableParallelism } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { CONCURRENCY, CONNECTIONS } from "./call.ts";
import { Child } from "./child.ts";
import type { Calls, Load } from "./load.ts";
import { type Round, ratiosOf, table } from "./report.ts";
import type { Listening, Usage } from "./server-process.ts";

// Usage: npm run bench:chain. What it measures and how is in README.md.

// Many short ones: whatever else the machine does then falls on both servers alike.
const ROUNDS = 21;
const ROUND_MS = 1_000;
const WARM_UP_MS = 6_000;
const GOAL = 0.85;
/** Less than this fails the run. */
const LIMIT = 0.75;
/** Longer than the logger keeps a line back. */
const LOG_FLUSH_MS = 500;

const load = new Child("./load.ts");
await load.next();
const bare = await launch("./bare-server.ts");
const ours = await launch("./mesh-server.ts");
await bare.round(WARM_UP_MS);
await ours.round(WARM_UP_MS);

const rounds: { bare: Round[]; ours: Round[] } = { bare: [], ours: [] };
for (let i = 0; i < ROUNDS; i++) {
  rounds.bare.push(await bare.round(ROUND_MS));
  rounds.ours.push(await ours.round(ROUND_MS));
}

await pause(LOG_FLUSH_MS);
if (ours.server.lines < ours.calls) throw new Error(`${ours.calls} calls left only ${ours.server.lines} lines in the log`);
for (const child of [load, bare.server, ours.server]) child.stop();

const print = (text: string) => process.stdout.write(`${text}\n`);
print(
  `Node ${process.versions.node}, ${availableParallelism()} cores; ${ROUNDS} rounds of ${ROUND_MS / 1_000} s, in turn; ` +
    `${CONCURRENCY} calls at a time on ${CONNECTIONS} connections; median (least to most)\n`,
);
print(table(rounds.bare, rounds.ours));
const ratios = ratiosOf(rounds.bare, rounds.ours);
const worst = Math.min(ratios.throughput, ratios.cpu);
print(`\nGoal ${GOAL}: ${worst >= GOAL ? "reached" : "not reached"}. Limit ${LIMIT}: ${worst >= LIMIT ? "kept" : "BROKEN"}.`);
process.exitCode = worst >= LIMIT ? 0 : 1;

/** Starts a server, ready for rounds of load. */
async function launch(module: string) {
  const server = new Child(module);
  const { port } = await server.next<Listening>();
  const launched = {
    server,
    /** How many were answered in all rounds so far. */
    calls: 0,
    async round(durationMs: number): Promise<Round> {
      const before = await server.ask<Usage>({});
      const { calls, elapsedMs } = await load.ask<Calls>({ port, durationMs } satisfies Load);
      const after = await server.ask<Usage>({});
      launched.calls += calls;
      return {
        callsPerSecond: (calls / elapsedMs) * 1_000,
        cpuMicrosPerCall: ((after.cpuMs - before.cpuMs) / calls) * 1_000,
      };
    },
  };
  return launched;
}
