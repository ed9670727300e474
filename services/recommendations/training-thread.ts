// The thread that learns. It reads the store itself, so that the thread that serves does nothing for it.
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { isStoreUnavailable } from "../../runtime/database.ts";
import { createLogger } from "../../runtime/logger.ts";
import type { Model } from "./model.ts";
import { removeUnfinished, writeSnapshot } from "./snapshot.ts";
import { openRecommendationsStore } from "./store.ts";
import { Training } from "./training.ts";

/** What the thread is told when it begins. */
export interface TrainingOptions {
  databaseUrl: string;
  /** Where the model is kept. */
  modelDir: string;
  /** How often to look for what is new. */
  intervalMs: number;
}

/** What the thread says. */
export type TrainingReport =
  | { kind: "learned"; model: Model; durationMs: number }
  | { kind: "store away"; error: unknown }
  | { kind: "not kept"; error: unknown };

/** A model is written at most so often: whoever reads it learns the rest in a moment. */
const KEEP_EVERY_MS = 60_000;

/** Learning takes no more than this share of one core, however much there is to learn from. */
const LARGEST_SHARE = 0.2;
const LONGEST_PAUSE_MS = 60_000;

const options = workerData as TrainingOptions;
const report = (message: TrainingReport) => parentPort?.postMessage(message);
// Standard output belongs to the thread that serves; what it is to know, it is told.
const logger = createLogger({ name: "recommendations", level: "silent" });
const store = await openRecommendationsStore(options.databaseUrl, logger);
const training = new Training(store.interactions);
let keptAt = Number.NEGATIVE_INFINITY;
let unkept: Model | undefined;

await removeUnfinished(options.modelDir).catch((error: unknown) => report({ kind: "not kept", error }));
while (true) {
  const startedAt = performance.now();
  try {
    const model = await training.step();
    if (model !== undefined) {
      const durationMs = performance.now() - startedAt;
      report({ kind: "learned", model, durationMs });
      unkept = model;
    }
  } catch (error) {
    // Anything else ends the thread, and a new one begins from what is stored.
    if (!isStoreUnavailable(error)) throw error;
    report({ kind: "store away", error });
  }
  if (unkept !== undefined && performance.now() - keptAt > KEEP_EVERY_MS) {
    try {
      await writeSnapshot(options.modelDir, unkept);
    } catch (error) {
      report({ kind: "not kept", error });
    }
    keptAt = performance.now();
    unkept = undefined;
  }
  const busyMs = performance.now() - startedAt;
  await sleep(Math.max(options.intervalMs, Math.min(busyMs / LARGEST_SHARE - busyMs, LONGEST_PAUSE_MS)));
}
