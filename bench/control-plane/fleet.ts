import type { Instance } from "../../services/registry/instance.ts";

// The services of a mesh and their instances. None of them is really there.

export const INSTANCES_A_SERVICE = 10;

const PORT = 50_051;
const ZONES = ["zone-a", "zone-b"] as const;

/** An instance is taken out of the registry, or put in. */
export interface Change {
  /** The number of the service. */
  readonly service: number;
  /** The number of the instance in its service. */
  readonly instance: number;
  readonly present: boolean;
}

export function serviceName(service: number): string {
  return `service-${String(service).padStart(4, "0")}`;
}

export function serviceNames(services: number): string[] {
  return Array.from({ length: services }, (_, service) => serviceName(service));
}

/** All are equally long, so that none is a part of another. */
export function addressOf(service: number, instance: number): string {
  const number = service * INSTANCES_A_SERVICE + instance;
  return `10.200.${100 + Math.floor(number / 100)}.${100 + (number % 100)}`;
}

export function instanceOf(service: number, instance: number): Instance {
  return {
    id: `${serviceName(service)}-${instance}`,
    service: serviceName(service),
    address: addressOf(service, instance),
    port: PORT,
    protocol: "grpc",
    version: "v1",
    zone: ZONES[instance % ZONES.length] ?? "",
    weight: 1,
    metadata: new Map(),
    grpcServices: ["bookstore.recommendations.v1.RecommendationsService"],
    healthCheckPath: "/health",
  };
}
