import { Counter, Gauge, type Registry } from "prom-client";

/** What became of an event. */
export type Outcome = "handled" | "skipped" | "known" | "waiting" | "set-aside";

/** How far one log is handled, as it is told to Prometheus. */
export interface Progress {
  readonly source: string;
  /** Whether events come: without, it is not known how many there are. */
  readonly connected: boolean;
  readonly behind: number;
  /** When the oldest event happened that is not handled yet, as far as is known. */
  readonly oldestAt: Date | undefined;
}

export interface ConsumerMetrics {
  /** @param type one that is handled here, or "other". */
  passed(source: string, type: string, outcome: Outcome): void;
  retried(source: string): void;
}

/** The metrics of a consumer. Progress and count are asked for when they are scraped. */
export function consumerMetrics(
  registry: Registry,
  ask: { progress(): readonly Progress[]; setAsideCount(): Promise<number>; now(): Date },
): ConsumerMetrics {
  const registers = [registry];
  const handled = new Counter({
    name: "bookmesh_events_total",
    help: "Events that have come, by what became of them",
    labelNames: ["source", "type", "outcome"],
    registers,
  });
  const retries = new Counter({
    name: "bookmesh_events_retries_total",
    help: "Tries to handle an event that have failed",
    labelNames: ["source"],
    registers,
  });
  new Gauge({
    name: "bookmesh_events_connected",
    help: "Whether events come, from the log or by the broker: 0 if not, and then nobody knows how many there are",
    labelNames: ["source"],
    registers,
    collect() {
      for (const { source, connected } of ask.progress()) this.set({ source }, connected ? 1 : 0);
    },
  });
  new Gauge({
    name: "bookmesh_events_behind",
    help: "Events that are known of and not yet handled",
    labelNames: ["source"],
    registers,
    collect() {
      for (const { source, behind } of ask.progress()) this.set({ source }, behind);
    },
  });
  new Gauge({
    name: "bookmesh_events_oldest_age_seconds",
    help: "How long ago the event happened that is being handled; 0 if there is none",
    labelNames: ["source"],
    registers,
    collect() {
      const now = ask.now().getTime();
      for (const { source, oldestAt } of ask.progress()) {
        this.set({ source }, oldestAt === undefined ? 0 : Math.max(0, now - oldestAt.getTime()) / 1_000);
      }
    },
  });
  new Gauge({
    name: "bookmesh_events_set_aside",
    help: "Events that could not be handled, and those that wait behind them",
    registers,
    async collect() {
      // While the store is away, the last number is the best there is.
      await ask.setAsideCount().then(
        (count) => this.set(count),
        () => {},
      );
    },
  });
  return {
    passed: (source, type, outcome) => handled.inc({ source, type, outcome }),
    retried: (source) => retries.inc({ source }),
  };
}
