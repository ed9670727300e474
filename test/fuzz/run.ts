import { fewHeldStreams, heldStreams } from "./attacks/held-streams.ts";
import type { BystanderReport } from "./bystander.ts";
import { BystanderProcess } from "./bystander-process.ts";
import type { Effort } from "./cases.ts";
import { Counts } from "./counts.ts";
import { type MemoryReport, MemoryWatch } from "./memory.ts";
import type { FuzzMethod } from "./methods.ts";
import { Random } from "./random.ts";
import { runAttacks } from "./run-attacks.ts";
import { runCalls } from "./run-calls.ts";
import { runHeld } from "./run-held.ts";
import { stringFieldsOf } from "./string-fields.ts";
import { TargetProcess } from "./target-process.ts";

export interface FuzzOptions {
  seed: number;
  methods: readonly FuzzMethod[];
  /** For how long rounds are made, each with other random numbers. The first one is short, and is made in any case. */
  durationMs: number;
}

/** What came of it. */
export interface FuzzReport {
  readonly counts: Counts;
  /** How many there are in all methods, and which of them no attack has reached. */
  readonly stringFields: { readonly count: number; readonly missed: readonly string[] };
  /** How many targets have ended. */
  readonly exits: number;
  /** Unhandled rejections, warnings, and what else the target should not have said. */
  readonly troubles: readonly string[];
  readonly bystander: BystanderReport;
  readonly memory: MemoryReport;
}

/** What is done first, so that what the code itself takes is not counted as what callers add. */
const WARM_UP: Effort = { perGroup: 1, groups: 3, texts: false };

const SHORT: Effort = { perGroup: 1, groups: 8 };
const LONG: Effort = { perGroup: 2, groups: 40 };
/** How much of all that can be done to connections. */
const SHORT_SCALE = 0.02;
const LONG_SCALE = 0.2;

/** Attacks all servers. */
export async function fuzz({ seed, methods, durationMs }: FuzzOptions): Promise<FuzzReport> {
  const random = new Random(seed);
  const counts = new Counts();
  const held = await runHeld(durationMs > 0 ? heldStreams : fewHeldStreams, { methods, random: random.fork(), counts });
  await using target = await TargetProcess.start();
  const endless = Number.POSITIVE_INFINITY;
  await runCalls(target, methods, { effort: WARM_UP, random: random.fork(), counts, until: endless });

  using bystander = new BystanderProcess(target.places);
  const watch = await MemoryWatch.begin(target);
  const until = performance.now() + durationMs;
  await runCalls(target, methods, { effort: SHORT, random: random.fork(), counts, until: endless });
  await runAttacks(target, { scale: SHORT_SCALE, random: random.fork(), counts, until: endless });
  while (performance.now() < until && target.exit === undefined) {
    await runCalls(target, methods, { effort: LONG, random: random.fork(), counts, until });
    await runAttacks(target, { scale: LONG_SCALE, random: random.fork(), counts, until });
  }
  const stringFields = [...new Set(methods.flatMap((method) => [...stringFieldsOf(method)]))];
  return {
    counts,
    stringFields: { count: stringFields.length, missed: stringFields.filter((name) => !counts.stringFields.has(name)) },
    exits: held.exits + (target.exit === undefined ? 0 : 1),
    troubles: [...held.troubles, ...target.troubles],
    memory: await watch.end(),
    bystander: await bystander.end(),
  };
}
