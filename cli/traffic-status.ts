import { Status } from "nice-grpc-common";
import type { TrafficRules } from "../gen/mesh/registry/v1/traffic_service.ts";
import { durationMs } from "../runtime/duration.ts";
import { policyName } from "../runtime/registry-names.ts";

/** What is set for the traffic of a service. null and [] where nothing is. */
export interface TrafficStatus {
  split: { version: string; percent: number }[];
  fault: {
    percent: number;
    delayMs: number | null;
    /** The name of a gRPC status. */
    abort: string | null;
  } | null;
  balancing: { policy: string; hashHeader: string } | null;
  ejectedInstanceIds: string[];
}

export function trafficStatus(traffic: TrafficRules | undefined): TrafficStatus {
  const { split = [], fault, balancing, ejectedInstanceIds = [] } = traffic ?? {};
  return {
    split: split.map(({ version, percent }) => ({ version, percent })),
    fault:
      fault === undefined
        ? null
        : {
            percent: fault.percent,
            delayMs: fault.delay === undefined ? null : durationMs(fault.delay),
            abort: fault.abortCode === Status.OK ? null : (Status[fault.abortCode] ?? String(fault.abortCode)),
          },
    balancing:
      balancing === undefined ? null : { policy: policyName(balancing.policy) ?? "unknown", hashHeader: balancing.hashHeader },
    ejectedInstanceIds: [...ejectedInstanceIds],
  };
}

/** Each rule in words: "split v1 90% v2 10%", "fault 20%: delay 200 ms, abort UNAVAILABLE". */
export function rulesInWords({ split, fault, balancing, ejectedInstanceIds }: TrafficStatus): string[] {
  const rules: string[] = [];
  if (split.length > 0) rules.push(`split ${split.map(({ version, percent }) => `${version} ${percent}%`).join(" ")}`);
  if (fault !== null) {
    const effects = [
      ...(fault.delayMs === null ? [] : [`delay ${fault.delayMs} ms`]),
      ...(fault.abort === null ? [] : [`abort ${fault.abort}`]),
    ];
    rules.push(`fault ${fault.percent}%: ${effects.join(", ")}`);
  }
  if (balancing !== null) {
    rules.push(`balance ${balancing.policy}${balancing.hashHeader === "" ? "" : ` by the header ${balancing.hashHeader}`}`);
  }
  if (ejectedInstanceIds.length > 0) rules.push(`ejected ${ejectedInstanceIds.join(" ")}`);
  return rules;
}
