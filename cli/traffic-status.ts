import { Status } from "nice-grpc-common";
import { BalancingPolicy, type TrafficRules } from "../gen/mesh/registry/v1/traffic_service.ts";
import { durationMs } from "../runtime/duration.ts";

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

/** The policies of balancing, by the names that people write. */
export const balancingPolicies = {
  "round-robin": BalancingPolicy.BALANCING_POLICY_ROUND_ROBIN,
  "weighted-round-robin": BalancingPolicy.BALANCING_POLICY_WEIGHTED_ROUND_ROBIN,
  "ring-hash": BalancingPolicy.BALANCING_POLICY_RING_HASH,
  "pick-first": BalancingPolicy.BALANCING_POLICY_PICK_FIRST,
  random: BalancingPolicy.BALANCING_POLICY_RANDOM,
  "least-request": BalancingPolicy.BALANCING_POLICY_LEAST_REQUEST,
} as const;

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
    balancing: balancing === undefined ? null : { policy: policyName(balancing.policy), hashHeader: balancing.hashHeader },
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

function policyName(policy: BalancingPolicy): string {
  return Object.entries(balancingPolicies).find(([, value]) => value === policy)?.[0] ?? "unknown";
}
