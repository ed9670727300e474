import { Health } from "../gen/mesh/registry/v1/instance.ts";
import { BalancingPolicy } from "../gen/mesh/registry/v1/traffic_service.ts";

/** How an instance answered when it was last asked, by the names that people and programs read. */
export const HEALTHS = {
  unknown: Health.HEALTH_UNSPECIFIED,
  healthy: Health.HEALTH_HEALTHY,
  unhealthy: Health.HEALTH_UNHEALTHY,
  unavailable: Health.HEALTH_UNAVAILABLE,
} as const;

export type HealthName = keyof typeof HEALTHS;

/** The policies of balancing, by the names that people write. */
export const BALANCING_POLICIES = {
  "round-robin": BalancingPolicy.BALANCING_POLICY_ROUND_ROBIN,
  "weighted-round-robin": BalancingPolicy.BALANCING_POLICY_WEIGHTED_ROUND_ROBIN,
  "ring-hash": BalancingPolicy.BALANCING_POLICY_RING_HASH,
  "pick-first": BalancingPolicy.BALANCING_POLICY_PICK_FIRST,
  random: BalancingPolicy.BALANCING_POLICY_RANDOM,
  "least-request": BalancingPolicy.BALANCING_POLICY_LEAST_REQUEST,
} as const;

export type PolicyName = keyof typeof BALANCING_POLICIES;

const HEALTH_NAMES = namesOf<Health, HealthName>(HEALTHS);
const POLICY_NAMES = namesOf<BalancingPolicy, PolicyName>(BALANCING_POLICIES);

/** What a newer registry may say besides is "unknown" too. */
export function healthName(health: Health): HealthName {
  return HEALTH_NAMES.get(health) ?? "unknown";
}

/** @returns undefined for none, or one that only a newer registry knows. */
export function policyName(policy: BalancingPolicy): PolicyName | undefined {
  return POLICY_NAMES.get(policy);
}

function namesOf<N extends number, T extends string>(numbers: Readonly<Record<T, N>>): ReadonlyMap<N, T> {
  return new Map(Object.entries<N>(numbers).map(([name, number]) => [number, name as T]));
}
