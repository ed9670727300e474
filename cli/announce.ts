import { setTimeout as delay } from "node:timers/promises";
import type { ChannelSecurity } from "../runtime/security.ts";
import { MeshAuthority, OPERATOR } from "./certs/mesh-authority.ts";
import { knownInstances } from "./known-instances.ts";
import type { LogView } from "./log-view.ts";
import { writeMeshFile } from "./mesh-file.ts";
import { type Placement, reachableAt, registriesOf } from "./placement.ts";
import { type Probe, readyz, untilReady } from "./readiness.ts";
import { offerOf, welcome } from "./welcome.ts";

const SLOW_AFTER_MS = 60_000;
/** Services write their lines in batches. What they say while they start is to stand above the welcome. */
const LAST_LINES_MS = 150;

/**
 * Says once where everything is, when everything is ready: to people, and in the data folder to other programs.
 *
 * `credentials` are those of the operator. A process is ready when it says so itself and the registries, if there are any, send callers to it.
 * Nothing is said when the signal aborts before.
 */
export async function announceReady(
  placements: readonly Placement[],
  { data, view, credentials, signal }: { data: string; view: LogView; credentials: ChannelSecurity; signal: AbortSignal },
): Promise<void> {
  const registries = registriesOf(placements);
  using known = knownInstances(registries, credentials);
  const probes = new Map(
    placements.map((placement) => {
      const isUp = readyz(`http://${reachableAt(placement, "ADMIN_PORT")}/readyz`);
      const probe: Probe = async (aborted) => (await isUp(aborted)) && known.includes(placement);
      return [placement.name, probe];
    }),
  );
  const onSlow = (names: readonly string[]) => view.log.warn(`not ready after ${SLOW_AFTER_MS / 1_000} s: ${names.join(", ")}`);
  try {
    await untilReady({ probes, slowAfterMs: SLOW_AFTER_MS, onSlow, signal });
    // performance.now() counts from the start of this process.
    const durationMs = Math.round(performance.now());
    await delay(LAST_LINES_MS, undefined, { signal });
    if (registries.length > 0) writeMeshFile(data, { registries });
    const offer = offerOf(placements, new MeshAuthority(data).folderOf(OPERATOR));
    view.announce(`ready in ${durationMs} ms`, { durationMs, ...offer }, welcome(offer, durationMs));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
