import { Status } from "nice-grpc-common";
import { type CallCount, LoadReport } from "../../gen/mesh/registry/v1/registry_service.ts";
import type { MethodContract } from "../../runtime/contracts.ts";
import { durationOf } from "../../runtime/duration.ts";
import { LATENCY_BUCKETS_MS, latencyBucket } from "../../runtime/latency.ts";
import type { ServerInterceptor } from "./interceptor.ts";

/** The statuses that are the server's fault, not the caller's. */
const FAILED: ReadonlySet<Status> = new Set([
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.RESOURCE_EXHAUSTED,
  Status.UNIMPLEMENTED,
  Status.INTERNAL,
  Status.UNAVAILABLE,
  Status.DATA_LOSS,
]);
/** People have identities too: names beyond these share "others" until the next report. */
const MOST_CALLERS = 100;
const OTHERS = "others";
/** What a report has room for: the busiest come first. */
const MOST_COUNTS = 500;

interface Count {
  ended: number;
  failed: number;
  totalMs: number;
  readonly latencies: number[];
}

export interface LoadCounter extends ServerInterceptor {
  /** What was served since the last time. */
  take(): LoadReport;
}

/** Counts who called what, how often, and how that went: what an instance reports to the registry. */
export function loadCounter(options: { now?: () => number } = {}): LoadCounter {
  const { now = () => performance.now() } = options;
  let since = now();
  let callers = new Map<string, Map<MethodContract, Count>>();
  let inFlight = 0;

  const countOf = (name: string, contract: MethodContract): Count => {
    const caller = callers.has(name) || callers.size < MOST_CALLERS ? name : OTHERS;
    const methods = callers.get(caller) ?? new Map<MethodContract, Count>();
    callers.set(caller, methods);
    const count = methods.get(contract) ?? {
      ...{ ended: 0, failed: 0, totalMs: 0 },
      latencies: new Array(LATENCY_BUCKETS_MS.length + 1).fill(0),
    };
    methods.set(contract, count);
    return count;
  };

  return {
    start({ contract }) {
      if (!contract.infrastructure) inFlight++;
    },
    finish({ contract, caller, startedAt }, { code }) {
      if (contract.infrastructure) return;
      inFlight--;
      const count = countOf(caller?.name ?? OTHERS, contract);
      const ms = performance.now() - startedAt;
      const bucket = latencyBucket(ms);
      count.ended++;
      if (FAILED.has(code)) count.failed++;
      count.totalMs += ms;
      count.latencies[bucket] = (count.latencies[bucket] as number) + 1;
    },
    take() {
      const calls = [...callers]
        .flatMap(([caller, methods]) => [...methods].map(([{ path }, count]) => callCount(caller, path, count)))
        .sort((a, b) => Number(b.ended - a.ended))
        .slice(0, MOST_COUNTS);
      const at = now();
      const report = LoadReport.fromPartial({ interval: durationOf(at - since), callsInFlight: inFlight, calls });
      since = at;
      callers = new Map();
      return report;
    },
  };
}

function callCount(caller: string, method: string, { ended, failed, totalMs, latencies }: Count): CallCount {
  return {
    ...{ caller, method, ended: BigInt(ended), failed: BigInt(failed) },
    totalLatency: durationOf(totalMs),
    latencyCounts: latencies.map(BigInt),
  };
}
