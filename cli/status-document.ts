import { type InstanceLoad, type InstanceState, Protocol } from "../gen/mesh/registry/v1/instance.ts";
import type { ClientState, RegistryState, ServiceState } from "../gen/mesh/registry/v1/registry_service.ts";
import { type Calls, callsBetween, type Rate, together } from "../runtime/call-rates.ts";
import { hostAndPort } from "../runtime/host-port.ts";
import { type HealthName, healthName } from "../runtime/registry-names.ts";
import { type TrafficStatus, trafficStatus } from "./traffic-status.ts";

/**
 * What `bookmesh status --json` prints. Programs read it: fields may be added, none may be renamed.
 *
 * Times are as in "2026-11-21T09:05:03.000Z", null where there is none; durations are milliseconds.
 */
export interface StatusDocument {
  registry: { id: string; description: string; address: string; startTime: string | null };
  /** By name. */
  services: ServiceStatus[];
  /** Who calls whom, busiest first. */
  calls: Calls[];
  /** Who gets routes and endpoints by xDS, by node id. */
  clients: ClientStatus[];
}

export interface ServiceStatus {
  name: string;
  /** No instance is healthy, so callers are sent to all of them. */
  panic: boolean;
  traffic: TrafficStatus;
  /** By id. */
  instances: InstanceStatus[];
}

export interface InstanceStatus {
  id: string;
  /** "host:port" */
  address: string;
  protocol: "grpc" | "http";
  version: string;
  zone: string;
  weight: number;
  health: HealthName;
  lastCheckTime: string | null;
  /** Why it is not healthy; "" if it is. */
  problem: string;
  inEndpoints: boolean;
  ejected: boolean;
  registerTime: string | null;
  /** null if the instance does not report. */
  load: LoadStatus | null;
}

/** What an instance served lately. */
export interface LoadStatus extends Rate {
  callsInFlight: number;
}

export interface ClientStatus {
  nodeId: string;
  cluster: string;
  userAgent: string;
  connectTime: string | null;
  subscriptions: {
    type: string;
    resources: number;
    acceptedVersion: string;
    sentVersion: string;
    /** The last refusal (NACK) that no acceptance has followed. */
    refusal: { version: string; reason: string; time: string | null } | null;
  }[];
}

/** What a registry has said, in parts. */
interface Told {
  registry: RegistryState | undefined;
  services: readonly ServiceState[];
  clients: readonly ClientState[];
}

/** @param address where the registry is that has said this. */
export function statusDocument({ registry, services, clients }: Told, address: string): StatusDocument {
  const { id = "", description = "", startTime } = registry ?? {};
  return {
    registry: { id, description, address, startTime: time(startTime) },
    services: services.map(serviceStatus),
    calls: callsBetween(services),
    clients: clients.map(clientStatus),
  };
}

/** The document without other services, and without the calls that this one neither makes nor gets. */
export function onlyService(document: StatusDocument, service: string): StatusDocument {
  return {
    ...document,
    services: document.services.filter(({ name }) => name === service),
    calls: document.calls.filter((call) => call.caller === service || call.service === service),
  };
}

function serviceStatus({ name, panic, traffic, instances }: ServiceState): ServiceStatus {
  return { name, panic, traffic: trafficStatus(traffic), instances: instances.map(instanceStatus) };
}

function instanceStatus(state: InstanceState): InstanceStatus {
  const { id = "", address = "", port = 0, protocol, version = "", zone = "", weight = 0 } = state.instance ?? {};
  return {
    id,
    address: hostAndPort(address, port),
    protocol: protocol === Protocol.PROTOCOL_HTTP ? "http" : "grpc",
    version,
    zone,
    weight: weight || 1,
    health: healthName(state.health),
    lastCheckTime: time(state.lastCheckTime),
    problem: state.problem,
    inEndpoints: state.inEndpoints,
    ejected: state.ejected,
    registerTime: time(state.registerTime),
    load: state.load === undefined ? null : loadOf(state.load),
  };
}

function loadOf({ callsInFlight, rates }: InstanceLoad): LoadStatus {
  return { callsInFlight, ...together(rates) };
}

function clientStatus({ nodeId, cluster, userAgent, connectTime, subscriptions }: ClientState): ClientStatus {
  return {
    ...{ nodeId, cluster, userAgent },
    connectTime: time(connectTime),
    subscriptions: subscriptions.map(({ type, resources, acceptedVersion, sentVersion, refusal }) => ({
      ...{ type, resources, acceptedVersion, sentVersion },
      refusal: refusal === undefined ? null : { version: refusal.version, reason: refusal.reason, time: time(refusal.time) },
    })),
  };
}

function time(date: Date | undefined): string | null {
  return date === undefined || Number.isNaN(date.getTime()) ? null : date.toISOString();
}
