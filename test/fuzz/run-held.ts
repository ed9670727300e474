import type { Attack } from "./attacks/attack.ts";
import type { Counts } from "./counts.ts";
import { MemoryWatch, MOST_ADDED_BYTES } from "./memory.ts";
import type { FuzzMethod } from "./methods.ts";
import type { Random } from "./random.ts";
import { runCalls } from "./run-calls.ts";
import { TargetProcess } from "./target-process.ts";

/** What is done first, so that what the code itself takes is not counted as what callers add. */
const WARM_UP_SCALE = 0.02;
const MIB = 2 ** 20;

/**
 * Holds streams, of one kind after the other, and looks what that takes.
 *
 * In a process of its own: what others leave behind would count too.
 *
 * @returns what is wrong with how the process fared.
 */
export async function runHeld(
  attacks: readonly Attack[],
  options: { methods: readonly FuzzMethod[]; random: Random; counts: Counts },
): Promise<{ exits: number; troubles: readonly string[] }> {
  const { methods, random, counts } = options;
  await using target = await TargetProcess.start();
  const placeOf = (service: string) => target.placeOf(service);
  const effort = { perGroup: 1, groups: 3, texts: false };
  await runCalls(target, methods, { effort, random: random.fork(), counts, until: Number.POSITIVE_INFINITY });
  for (const attack of attacks) await attack.run({ placeOf, random, scale: WARM_UP_SCALE });
  const { rss: before = 0 } = (await target.vitals()) ?? {};
  for (const attack of attacks) {
    const watch = await MemoryWatch.begin(target);
    const endings = await attack.run({ placeOf, random, scale: 1 });
    const addedBytes = (await watch.end()).heldRss - before;
    const added = `${Math.round(addedBytes / MIB)} MiB`;
    const ended = Object.entries(endings).map(([ending, count]) => `${ending} ${count}`);
    counts.count(`held: ${attack.name}`, `(+${added}; ${ended.join("; ")})`);
    if (addedBytes > MOST_ADDED_BYTES) counts.problem(`held: ${attack.name}`, `${attack.name}: added ${added}`);
    if (target.exit !== undefined) break;
  }
  return { exits: target.exit === undefined ? 0 : 1, troubles: target.troubles };
}
