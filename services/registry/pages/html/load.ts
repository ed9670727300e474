import type { CallRate } from "../../../../gen/mesh/registry/v1/instance.ts";
import type { ServiceState } from "../../../../gen/mesh/registry/v1/registry_service.ts";
import { durationMs } from "../../../../runtime/duration.ts";

/** What some calls have in common. */
export interface Rate {
  callsPerSecond: number;
  /** The share that the server failed, 0 to 1. */
  failedShare: number;
  /** Of several methods or instances: that of the slowest. Undefined if no call ended. */
  p95Ms: number | undefined;
}

/** How often one service called one method of another, on all its instances. */
export interface Calls extends Rate {
  /** The service that called, or "unknown". */
  caller: string;
  /** The service that was called. */
  service: string;
  method: string;
}

/** Shares by the number of calls; nobody can tell the 95th percentile of all from those of the parts. */
export function together(rates: readonly CallRate[]): Rate {
  let callsPerSecond = 0;
  let failedPerSecond = 0;
  let p95Ms: number | undefined;
  for (const rate of rates) {
    if (!(rate.callsPerSecond > 0)) continue;
    callsPerSecond += rate.callsPerSecond;
    failedPerSecond += rate.callsPerSecond * rate.failedShare;
    p95Ms = Math.max(p95Ms ?? 0, durationMs(rate.p95Latency));
  }
  return { callsPerSecond, failedShare: callsPerSecond === 0 ? 0 : failedPerSecond / callsPerSecond, p95Ms };
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
