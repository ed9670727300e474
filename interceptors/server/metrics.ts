import { Status } from "nice-grpc-common";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { MethodContract } from "../../runtime/contracts.ts";
import { LATENCY_BUCKETS_MS, latencyBucket } from "../../runtime/latency.ts";
import type { ServerInterceptor } from "./interceptor.ts";

/** Seconds. */
const BUCKETS = LATENCY_BUCKETS_MS.map((ms) => ms / 1_000);

const DURATIONS = "grpc_server_handling_seconds";
const DURATIONS_HELP = "How long calls took, in seconds";
const LABEL_NAMES = ["grpc_type", "grpc_service", "grpc_method"] as const;

/** What is counted of one method. */
interface MethodCounts {
  readonly labels: Record<(typeof LABEL_NAMES)[number], string>;
  inFlight: number;
  /** By status code. */
  readonly handled: Map<Status, number>;
  /** How many took at most as long as the bucket of the same index says, and longer than the one before. */
  readonly buckets: number[];
  seconds: number;
  count: number;
}

/**
 * Counts calls, their statuses and latencies, under the names that grpc-ecosystem/go-grpc-prometheus made common.
 *
 * Calls add to plain numbers; prom-client, which looks labels up by a hash of
 * them, is handed the sums when somebody asks.
 */
export function metrics(options: { metrics: Registry }): ServerInterceptor {
  const registers = [options.metrics];
  const methods = new Map<MethodContract, MethodCounts>();
  new Gauge({
    name: "grpc_server_in_flight",
    help: "Calls that run now",
    labelNames: LABEL_NAMES,
    registers,
    collect() {
      for (const { labels, inFlight } of methods.values()) this.set(labels, inFlight);
    },
  });
  new Counter({
    name: "grpc_server_handled_total",
    help: "Calls that ended, by status code",
    labelNames: [...LABEL_NAMES, "grpc_code"],
    registers,
    collect() {
      this.reset();
      for (const { labels, handled } of methods.values()) {
        for (const [code, count] of handled) this.inc({ ...labels, grpc_code: Status[code] }, count);
      }
    },
  });
  new Durations(methods, registers);
  return {
    start({ contract }) {
      let counts = methods.get(contract);
      if (counts === undefined) {
        counts = countsOf(contract);
        methods.set(contract, counts);
      }
      counts.inFlight++;
    },
    finish({ contract, startedAt }, { code }) {
      const counts = methods.get(contract);
      if (counts === undefined) return;
      const ms = performance.now() - startedAt;
      const bucket = latencyBucket(ms);
      counts.inFlight--;
      counts.handled.set(code, (counts.handled.get(code) ?? 0) + 1);
      counts.buckets[bucket] = (counts.buckets[bucket] as number) + 1;
      counts.seconds += ms / 1_000;
      counts.count++;
    },
  };
}

function countsOf({ kind, service, method }: MethodContract): MethodCounts {
  return {
    labels: { grpc_type: kind, grpc_service: service, grpc_method: method },
    inFlight: 0,
    handled: new Map(),
    // One more for those that took longer than the last.
    buckets: new Array(BUCKETS.length + 1).fill(0),
    seconds: 0,
    count: 0,
  };
}

/** A histogram that is counted elsewhere. */
class Durations extends Histogram {
  readonly #methods: ReadonlyMap<MethodContract, MethodCounts>;

  constructor(methods: ReadonlyMap<MethodContract, MethodCounts>, registers: Registry[]) {
    super({ name: DURATIONS, help: DURATIONS_HELP, labelNames: LABEL_NAMES, buckets: BUCKETS, registers });
    this.#methods = methods;
  }

  /** What prom-client asks for, also within get(). */
  async getForPromString() {
    const values = [...this.#methods.values()].filter(({ count }) => count > 0).flatMap(samplesOf);
    return { name: DURATIONS, help: DURATIONS_HELP, type: "histogram", aggregator: "sum", values };
  }
}

function samplesOf({ labels: sharedLabels, buckets, seconds, count }: MethodCounts) {
  let upTo = 0;
  const ofBuckets = [...BUCKETS, "+Inf"].map((le, i) => {
    upTo += buckets[i] ?? 0;
    return { metricName: `${DURATIONS}_bucket`, labels: { le }, sharedLabels, value: upTo };
  });
  return [
    ...ofBuckets,
    { metricName: `${DURATIONS}_sum`, labels: {}, sharedLabels, value: seconds },
    { metricName: `${DURATIONS}_count`, labels: {}, sharedLabels, value: count },
  ];
}
