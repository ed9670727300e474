import {
  Health as HealthNumber,
  type InstanceLoad,
  type Instance as InstanceMessage,
  type InstanceState,
  Protocol,
} from "../../gen/mesh/registry/v1/instance.ts";
import type { ServiceState } from "../../gen/mesh/registry/v1/registry_service.ts";
import {
  type Balancing as BalancingMessage,
  BalancingPolicy,
  type Fault as FaultMessage,
  type TrafficRules,
} from "../../gen/mesh/registry/v1/traffic_service.ts";
import { durationOf } from "../../runtime/duration.ts";
import type { InstanceView, ServiceView } from "./catalog-view.ts";
import type { Health } from "./endpoints.ts";
import type { Instance } from "./instance.ts";
import type { Balancing, Fault } from "./routing.ts";
import { isEmpty, type Rules } from "./traffic.ts";

const HEALTH: Readonly<Record<Health, HealthNumber>> = {
  unknown: HealthNumber.HEALTH_UNSPECIFIED,
  healthy: HealthNumber.HEALTH_HEALTHY,
  unhealthy: HealthNumber.HEALTH_UNHEALTHY,
  unavailable: HealthNumber.HEALTH_UNAVAILABLE,
};

const POLICY: Readonly<Record<Balancing["policy"], BalancingPolicy>> = {
  "round-robin": BalancingPolicy.BALANCING_POLICY_ROUND_ROBIN,
  "weighted-round-robin": BalancingPolicy.BALANCING_POLICY_WEIGHTED_ROUND_ROBIN,
  "ring-hash": BalancingPolicy.BALANCING_POLICY_RING_HASH,
  "pick-first": BalancingPolicy.BALANCING_POLICY_PICK_FIRST,
  random: BalancingPolicy.BALANCING_POLICY_RANDOM,
  "least-request": BalancingPolicy.BALANCING_POLICY_LEAST_REQUEST,
};
const POLICY_NAMES = new Map(Object.entries(POLICY).map(([name, number]) => [number, name as Balancing["policy"]]));

export function serviceMessage(
  { name, panic, instances }: ServiceView,
  rules: Rules,
  loadOf: (id: string) => InstanceLoad | undefined,
): ServiceState {
  return {
    ...{ name, panic },
    traffic: isEmpty(rules) ? undefined : rulesMessage(rules),
    instances: instances.map((view) => instanceState(view, loadOf(view.instance.id))),
  };
}

function instanceState(view: InstanceView, load: InstanceLoad | undefined): InstanceState {
  const { problem, inEndpoints, ejected } = view;
  return {
    ...{ problem, inEndpoints, ejected, load },
    instance: instanceMessage(view.instance),
    health: HEALTH[view.health],
    lastCheckTime: view.lastCheckAt,
    registerTime: view.registeredAt,
  };
}

function instanceMessage(instance: Instance): InstanceMessage {
  return {
    ...instance,
    protocol: instance.protocol === "grpc" ? Protocol.PROTOCOL_GRPC : Protocol.PROTOCOL_HTTP,
    metadata: instance.metadata as Map<string, string>,
    grpcServices: instance.grpcServices as string[],
    // It is asked for over HTTP only.
    healthCheckPath: instance.protocol === "grpc" ? "" : instance.healthCheckPath,
  };
}

export function rulesMessage({ split, fault, balancing, ejected }: Rules): TrafficRules {
  return {
    split: [...split],
    fault: fault && faultMessage(fault),
    balancing: balancing && balancingMessage(balancing),
    ejectedInstanceIds: [...ejected].sort(),
  };
}

function faultMessage({ percent, delayMs, abortCode }: Fault): FaultMessage {
  return { percent, abortCode, delay: delayMs === 0 ? undefined : durationOf(delayMs) };
}

function balancingMessage(balancing: Balancing): BalancingMessage {
  return { policy: POLICY[balancing.policy], hashHeader: balancing.policy === "ring-hash" ? balancing.hashHeader : "" };
}

/** The name of a policy; undefined for none. */
export function policyOf(policy: BalancingPolicy): Balancing["policy"] | undefined {
  return POLICY_NAMES.get(policy);
}

export { durationOf as durationMessage };
