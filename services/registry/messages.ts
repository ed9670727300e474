import {
  type InstanceLoad,
  type Instance as InstanceMessage,
  type InstanceState,
  Protocol,
} from "../../gen/mesh/registry/v1/instance.ts";
import type { ServiceState } from "../../gen/mesh/registry/v1/registry_service.ts";
import type {
  Balancing as BalancingMessage,
  Fault as FaultMessage,
  TrafficRules,
} from "../../gen/mesh/registry/v1/traffic_service.ts";
import { durationOf } from "../../runtime/duration.ts";
import { BALANCING_POLICIES, HEALTHS } from "../../runtime/registry-names.ts";
import type { InstanceView, ServiceView } from "./catalog-view.ts";
import type { Instance } from "./instance.ts";
import type { Balancing, Fault } from "./routing.ts";
import { isEmpty, type Rules } from "./traffic.ts";

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
    health: HEALTHS[view.health],
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
  return {
    policy: BALANCING_POLICIES[balancing.policy],
    hashHeader: balancing.policy === "ring-hash" ? balancing.hashHeader : "",
  };
}
