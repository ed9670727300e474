import { setTimeout as delay } from "node:timers/promises";
import type { LogView } from "./log-view.ts";
import { type Placement, reachableAt } from "./placement.ts";
import { untilReady } from "./readiness.ts";
import { offerOf, welcome } from "./welcome.ts";

const SLOW_AFTER_MS = 60_000;
/** Services write their lines in batches. What they say while they start is to stand above the welcome. */
const LAST_LINES_MS = 150;

/** Says once where everything is, when everything is ready; says nothing when the signal aborts before. */
export async function announceReady(placements: readonly Placement[], view: LogView, signal: AbortSignal): Promise<void> {
  const urls = new Map(
    placements.map((placement) => [placement.service.name, `http://${reachableAt(placement, "ADMIN_PORT")}/readyz`]),
  );
  const onSlow = (names: readonly string[]) => view.log.warn(`not ready after ${SLOW_AFTER_MS / 1_000} s: ${names.join(", ")}`);
  try {
    await untilReady({ urls, slowAfterMs: SLOW_AFTER_MS, onSlow, signal });
    // performance.now() counts from the start of this process.
    const durationMs = Math.round(performance.now());
    await delay(LAST_LINES_MS, undefined, { signal });
    const offer = offerOf(placements);
    view.announce(`ready in ${durationMs} ms`, { durationMs, ...offer }, welcome(offer, durationMs));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
