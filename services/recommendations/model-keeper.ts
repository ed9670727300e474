import { Worker } from "node:worker_threads";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Logger } from "../../runtime/logger.ts";
import type { InteractionStore } from "./interaction-store.ts";
import { EMPTY_MODEL, type Model } from "./model.ts";
import { BrokenSnapshot, readSnapshot } from "./snapshot.ts";
import type { TrainingOptions, TrainingReport } from "./training-thread.ts";

/** For what is thrown away soon. Node would take several times as much before it cleans up. */
const SHORT_LIVED_MIB = 16;
const LONGEST_PAUSE_MS = 60_000;

export interface ModelKeeperOptions extends TrainingOptions {
  /** Stays the caller's. */
  store: Pick<InteractionStore, "state">;
  /** How much memory the thread may take for what it knows of readers. One that needs more ends, and the last model stays. */
  memoryMib: number;
  logger: Logger;
  metrics: Registry;
  /** How long to wait before a thread that has ended is started again; longer each time. The default is a second. */
  restartMs?: number;
  /** Is told of each new model. */
  onModel?: (model: Model) => void;
}

/**
 * Has the newest model: at first the one that was kept in a file, then those
 * that a thread of its own learns. While that fails, the last one stays.
 */
export class ModelKeeper {
  #model = EMPTY_MODEL;
  #thread: Worker | undefined;
  #restart: NodeJS.Timeout | undefined;
  #pauseMs: number;
  #closed = false;
  readonly #options: ModelKeeperOptions;
  readonly #metrics: ReturnType<typeof trainingMetrics>;

  /** Reads the model that was kept. A thread learns from then on; it keeps no process from ending. */
  static async open(options: ModelKeeperOptions): Promise<ModelKeeper> {
    const keeper = new ModelKeeper(options);
    keeper.#model = await keptModel(options);
    keeper.#start();
    return keeper;
  }

  private constructor(options: ModelKeeperOptions) {
    this.#options = options;
    this.#pauseMs = options.restartMs ?? 1_000;
    this.#metrics = trainingMetrics(options.metrics, () => this.#model);
  }

  get model(): Model {
    return this.#model;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    await this.#thread?.terminate();
  }

  #start(): void {
    const { databaseUrl, modelDir, intervalMs, memoryMib, logger } = this.#options;
    const workerData: TrainingOptions = { databaseUrl, modelDir, intervalMs };
    const thread = new Worker(new URL("./training-thread.ts", import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: memoryMib, maxYoungGenerationSizeMb: SHORT_LIVED_MIB },
    });
    this.#thread = thread;
    thread.unref();
    thread.on("message", (report: TrainingReport) => this.#hear(report));
    thread.on("error", (error) => logger.error({ err: error }, "learning has failed: the last model stays"));
    thread.on("exit", () => {
      if (this.#closed) return;
      this.#metrics.failures.inc();
      this.#restart = setTimeout(() => this.#start(), this.#pauseMs).unref();
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    });
  }

  #hear(report: TrainingReport): void {
    const { logger, restartMs = 1_000, onModel } = this.#options;
    switch (report.kind) {
      case "learned": {
        this.#model = report.model;
        this.#pauseMs = restartMs;
        this.#metrics.duration.set(report.durationMs / 1_000);
        const { revision, bookIds } = report.model;
        logger.debug({ revision, books: bookIds.length, durationMs: Math.round(report.durationMs) }, "learned");
        onModel?.(report.model);
        return;
      }
      case "store away":
        logger.warn({ err: report.error }, "the store cannot be read now: the last model stays");
        return;
      case "not kept":
        logger.warn({ err: report.error }, "the model could not be kept: it is learned anew at the next start");
        return;
    }
  }
}

async function keptModel({ modelDir, store, logger }: ModelKeeperOptions): Promise<Model> {
  try {
    const kept = await readSnapshot(modelDir);
    // What was learned from other readers says nothing of these, and may tell of them.
    if (kept === undefined || kept.storeId !== (await store.state()).storeId) return EMPTY_MODEL;
    return kept;
  } catch (error) {
    const broken = error instanceof BrokenSnapshot;
    logger.warn(
      { err: error },
      broken ? "the model that was kept is broken: it is learned anew" : "no model could be read: it is learned anew",
    );
    return EMPTY_MODEL;
  }
}

function trainingMetrics(registry: Registry, model: () => Model) {
  const registers = [registry];
  new Gauge({
    name: "bookmesh_recommendations_model_revision",
    help: "Up to which change of what readers do the model has learned",
    registers,
    collect() {
      this.set(model().revision);
    },
  });
  new Gauge({
    name: "bookmesh_recommendations_model_books",
    help: "Books that the model knows of",
    registers,
    collect() {
      this.set(model().bookIds.length);
    },
  });
  return {
    duration: new Gauge({
      name: "bookmesh_recommendations_training_seconds",
      help: "How long it took to learn from the last changes",
      registers,
    }),
    failures: new Counter({
      name: "bookmesh_recommendations_training_failures_total",
      help: "How often the thread that learns has ended and was started again",
      registers,
    }),
  };
}
