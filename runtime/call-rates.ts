import type { CallRate } from "../gen/mesh/registry/v1/instance.ts";
import type { ServiceState } from "../gen/mesh/registry/v1/registry_service.ts";
import { durationMs } from "./duration.ts";

/** What some calls have in common. Programs read it in `bookmesh status --json`: fields may be added, none renamed. */
export interface Rate {
  callsPerSecond: number;
  /** The share that the server failed, 0 to 1. */
  failedShare: number;
  /** null if no call ended. */
  meanLatencyMs: number | null;
  /** Of several methods or instances: that of the slowest. null if no call ended. */
  p95LatencyMs: number | null;
}

/** How often one service called one method of another, on all its instances. */
export interface Calls extends Rate {
  /** The service that called, or "unknown". */
  caller: string;
  /** The service that was called. */
  service: string;
  /** "/package.Service/Method" */
  method: string;
}

/** Shares and means by the number of calls; nobody can tell the 95th percentile of all from those of the parts. */
export function together(rates: readonly CallRate[]): Rate {
  const active = rates.filter(({ callsPerSecond }) => callsPerSecond > 0);
  if (active.length === 0) return { callsPerSecond: 0, failedShare: 0, meanLatencyMs: null, p95LatencyMs: null };
  let [callsPerSecond, failedPerSecond, latencyMs, p95LatencyMs] = [0, 0, 0, 0];
  for (const rate of active) {
    callsPerSecond += rate.callsPerSecond;
    failedPerSecond += rate.callsPerSecond * rate.failedShare;
    latencyMs += rate.callsPerSecond * durationMs(rate.meanLatency);
    p95LatencyMs = Math.max(p95LatencyMs, durationMs(rate.p95Latency));
  }
  return {
    callsPerSecond,
    failedShare: failedPerSecond / callsPerSecond,
    meanLatencyMs: latencyMs / callsPerSecond,
    p95LatencyMs,
  };
}

/** The rates of all instances of a service. */
export function ratesOf({ instances }: ServiceState): CallRate[] {
  return instances.flatMap(({ load }) => load?.rates ?? []);
}

/** Who calls whom, busiest first. */
export function callsBetween(services: readonly ServiceState[]): Calls[] {
  return services
    .flatMap((service) => {
      const groups = Map.groupBy(ratesOf(service), ({ caller, method }) => JSON.stringify([caller, method]));
      return [...groups.values()].map((rates) => {
        const { caller = "", method = "" } = rates[0] ?? {};
        return { caller, service: service.name, method, ...together(rates) };
      });
    })
    .sort((a, b) => b.callsPerSecond - a.callsPerSecond);
}
