import type { CallRate, InstanceLoad } from "../gen/mesh/registry/v1/instance.ts";
import type { ServiceState } from "../gen/mesh/registry/v1/registry_service.ts";
import { durationMs } from "../runtime/duration.ts";

/** What some calls have in common. */
interface Rate {
  callsPerSecond: number;
  /** The share that the server failed, 0 to 1. */
  failedShare: number;
  /** null if no call ended. */
  meanLatencyMs: number | null;
  /** Of several methods or instances: that of the slowest. null if no call ended. */
  p95LatencyMs: number | null;
}

/** What an instance served lately. */
export interface LoadStatus extends Rate {
  callsInFlight: number;
}

/** How often one service called one method of another, on all its instances. */
export interface CallStatus extends Rate {
  /** The service that called, or "unknown". */
  caller: string;
  /** The service that was called. */
  service: string;
  /** "/package.Service/Method" */
  method: string;
}

export function loadOf({ callsInFlight, rates }: InstanceLoad): LoadStatus {
  return { callsInFlight, ...together(rates) };
}

/** Who calls whom, busiest first. */
export function callsOf(services: readonly ServiceState[]): CallStatus[] {
  const rates = services.flatMap(({ name, instances }) =>
    instances.flatMap(({ load }) => (load?.rates ?? []).map((rate) => ({ service: name, rate }))),
  );
  const groups = Map.groupBy(rates, ({ service, rate }) => `${rate.caller} ${service} ${rate.method}`);
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const { service, rate } = first;
      return [{ caller: rate.caller, service, method: rate.method, ...together(group.map((member) => member.rate)) }];
    })
    .sort((a, b) => b.callsPerSecond - a.callsPerSecond);
}

/** Shares and means by the number of calls; nobody can tell the 95th percentile of all from those of the parts. */
function together(rates: readonly CallRate[]): Rate {
  const callsPerSecond = sum(rates.map((rate) => rate.callsPerSecond));
  const weighted = (value: (rate: CallRate) => number) =>
    callsPerSecond === 0 ? 0 : sum(rates.map((rate) => value(rate) * rate.callsPerSecond)) / callsPerSecond;
  const active = rates.filter((rate) => rate.callsPerSecond > 0);
  return {
    callsPerSecond,
    failedShare: weighted((rate) => rate.failedShare),
    meanLatencyMs: active.length === 0 ? null : weighted((rate) => durationMs(rate.meanLatency)),
    p95LatencyMs: active.length === 0 ? null : Math.max(...active.map((rate) => durationMs(rate.p95Latency))),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
