import type { Attack, Ground } from "./attacks/attack.ts";
import { floods } from "./attacks/floods.ts";
import { garbage } from "./attacks/garbage.ts";
import { patience } from "./attacks/patience.ts";
import type { Counts } from "./counts.ts";
import type { TargetProcess } from "./target-process.ts";

const attacks: readonly Attack[] = [garbage, ...floods, ...patience];

/** Does to connections what is not done by calls, one attack after the other, until the time is up. */
export async function runAttacks(
  target: TargetProcess,
  options: Pick<Ground, "random" | "scale"> & { counts: Counts; until: number },
): Promise<void> {
  const { counts, until, ...rest } = options;
  const ground: Ground = { ...rest, placeOf: (service) => target.placeOf(service) };
  for (const attack of attacks) {
    if (performance.now() > until || target.exit !== undefined) return;
    const endings = await attack.run(ground);
    const ended = Object.entries(endings).filter(([, count]) => count > 0);
    counts.count(`connections: ${attack.name}`, `(${ended.map(([ending, count]) => `${ending} ${count}`).join("; ")})`);
  }
}
