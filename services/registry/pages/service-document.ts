import { Health, type Instance, type InstanceState, Protocol } from "../../../gen/mesh/registry/v1/instance.ts";
import type { ServiceState } from "../../../gen/mesh/registry/v1/registry_service.ts";
import { hostAndPort } from "../../../runtime/host-port.ts";
import { type HealthName, healthName } from "../../../runtime/registry-names.ts";
import { BASE_PATH } from "./registration-body.ts";

/** A service as programs are told of it that speak no gRPC. Others rely on it: fields may be added, none renamed. */
export interface ServiceDocument {
  name: string;
  /** Of a healthy instance; null if there is none that calls go to. */
  url: string | null;
  /** null for gRPC, which asks otherwise. */
  health_check_url: string | null;
  status: HealthName;
  /** In seconds since 1970; null if it was never asked. */
  last_check: number | null;
  /** By id. */
  instances: InstanceDocument[];
}

interface InstanceDocument {
  id: string;
  /** "http://address:port", with the path that it has registered; "grpc://address:port" */
  url: string;
  status: HealthName;
  last_check: number | null;
  version: string;
  zone: string;
  weight: number;
  in_endpoints: boolean;
}

/** Whose turn it is among the instances of each service. */
export class Turns {
  readonly #taken = new Map<string, number>();

  next<T>(service: string, instances: readonly T[]): T | undefined {
    const taken = this.#taken.get(service) ?? 0;
    this.#taken.set(service, (taken + 1) % Number.MAX_SAFE_INTEGER);
    return instances[taken % instances.length];
  }
}

type Known = InstanceState & { instance: Instance };

/**
 * What a service is, and one instance of it that calls go to, each in its turn.
 *
 * If it has instances of both protocols, it is one that speaks HTTP: who asks here cannot use the others.
 */
export function serviceDocument({ name, instances }: ServiceState, turns: Turns): ServiceDocument {
  const known = instances.filter((state): state is Known => state.instance !== undefined);
  const called = known.filter(({ inEndpoints }) => inEndpoints);
  const healthy = called.filter(({ health }) => health === Health.HEALTH_HEALTHY);
  const chosen = turns.next(name, forHttp(healthy)) ?? forHttp(called)[0] ?? known[0];
  return {
    name,
    url: chosen !== undefined && healthy.includes(chosen) ? urlOf(chosen.instance) : null,
    health_check_url: chosen === undefined ? null : healthCheckUrlOf(chosen.instance),
    status: chosen === undefined ? "unknown" : healthName(chosen.health),
    last_check: chosen === undefined ? null : lastCheckOf(chosen),
    instances: known.map(instanceDocument),
  };
}

function forHttp(states: readonly Known[]): readonly Known[] {
  const http = states.filter(({ instance }) => isHttp(instance));
  return http.length > 0 ? http : states;
}

function instanceDocument(state: Known): InstanceDocument {
  const { id, version, zone, weight } = state.instance;
  return {
    id,
    url: urlOf(state.instance),
    status: healthName(state.health),
    last_check: lastCheckOf(state),
    ...{ version, zone, weight: weight || 1 },
    in_endpoints: state.inEndpoints,
  };
}

function lastCheckOf({ lastCheckTime }: InstanceState): number | null {
  const ms = lastCheckTime?.getTime() ?? Number.NaN;
  return Number.isNaN(ms) ? null : ms / 1_000;
}

function urlOf(instance: Instance): string {
  if (!isHttp(instance)) return `grpc://${hostAndPort(instance.address, instance.port)}`;
  const basePath = instance.metadata.get(BASE_PATH) ?? "";
  // Whoever registers by gRPC can write anything there.
  return rootOf(instance) + (/^\/[!-~]+$/.test(basePath) ? basePath : "");
}

function healthCheckUrlOf(instance: Instance): string | null {
  return isHttp(instance) ? rootOf(instance) + (instance.healthCheckPath || "/health") : null;
}

function rootOf({ address, port }: Instance): string {
  return `http://${hostAndPort(address, port)}`;
}

function isHttp({ protocol }: Instance): boolean {
  return protocol === Protocol.PROTOCOL_HTTP;
}
