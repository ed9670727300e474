import { Status } from "nice-grpc-common";
import type { ServiceState } from "../../../../gen/mesh/registry/v1/registry_service.ts";
import { type Balancing, BalancingPolicy, type Fault } from "../../../../gen/mesh/registry/v1/traffic_service.ts";
import { durationMs } from "../../../../runtime/duration.ts";
import { formatLatency } from "./format.ts";

const POLICIES: ReadonlyMap<BalancingPolicy, string> = new Map([
  [BalancingPolicy.BALANCING_POLICY_ROUND_ROBIN, "Callers take the instances in turn (round robin)."],
  [BalancingPolicy.BALANCING_POLICY_WEIGHTED_ROUND_ROBIN, "Callers take the instances by their weights (weighted round robin)."],
  [BalancingPolicy.BALANCING_POLICY_PICK_FIRST, "Each caller stays with one instance while it is there (pick first)."],
  [BalancingPolicy.BALANCING_POLICY_RANDOM, "Callers take any instance, by chance (random)."],
  [BalancingPolicy.BALANCING_POLICY_LEAST_REQUEST, "Callers draw two instances and take the less busy one (least request)."],
]);

/** What is set for the traffic of a service, a sentence each. Not HTML. */
export function trafficInWords({ traffic, instances }: ServiceState): string[] {
  if (traffic === undefined) return [];
  const { split, fault, balancing, ejectedInstanceIds } = traffic;
  const sentences: string[] = [];
  if (split.length > 0) {
    const shares = split.map(({ version, percent }) => `${percent}% to ${version}`);
    sentences.push(`Calls are split: ${shares.join(", ")}.`);
  }
  if (fault !== undefined) sentences.push(...faultInWords(fault));
  if (balancing !== undefined) sentences.push(balancingInWords(balancing));
  if (ejectedInstanceIds.length > 0) {
    const here = new Set(instances.map(({ instance }) => instance?.id));
    const ids = ejectedInstanceIds.map((id) => (here.has(id) ? id : `${id} (not registered)`));
    sentences.push(`Taken out by hand: ${ids.join(", ")}.`);
  }
  return sentences;
}

function faultInWords({ percent, delay, abortCode }: Fault): string[] {
  const sentences: string[] = [];
  const delayMs = durationMs(delay);
  if (delayMs > 0) sentences.push(`Fault: ${percent}% of the calls are held back for ${formatLatency(delayMs)}.`);
  if (abortCode !== Status.OK) {
    sentences.push(`Fault: ${percent}% of the calls fail with ${Status[abortCode] ?? abortCode} without being sent.`);
  }
  return sentences;
}

function balancingInWords({ policy, hashHeader }: Balancing): string {
  if (policy === BalancingPolicy.BALANCING_POLICY_RING_HASH) {
    return `Calls with the same ${hashHeader} header go to the same instance (ring hash).`;
  }
  return POLICIES.get(policy) ?? "Callers balance in a way that this page does not know.";
}
