import type { CatalogEntry } from "./catalog-entry.ts";
import { chooseEndpoints, type Health } from "./endpoints.ts";
import type { Instance, Protocol } from "./instance.ts";

/** An instance as it is now. */
export interface InstanceView {
  readonly instance: Instance;
  readonly health: Health;
  /** Why it is not healthy; "" if it is, or was never asked. */
  readonly problem: string;
  readonly lastCheckAt: Date | undefined;
  readonly inEndpoints: boolean;
  /** Whether somebody has taken it out by hand. */
  readonly ejected: boolean;
  readonly registeredAt: Date;
}

/** A service as it is now. */
export interface ServiceView {
  readonly name: string;
  /** What its instances serve, taken together; what the last one served, if it has none now. */
  readonly grpcServices: readonly string[];
  /** By id. */
  readonly instances: readonly InstanceView[];
  /** No instance is healthy, and calls go to all of them. */
  readonly panic: boolean;
}

const PROTOCOLS: readonly Protocol[] = ["grpc", "http"];

/** A service with these instances. */
export function viewOf(
  service: { name: string; entries: Iterable<CatalogEntry>; lastGrpcServices: readonly string[] },
  ejected: ReadonlySet<string>,
): ServiceView {
  const entries = [...service.entries].sort((a, b) => (a.instance.id < b.instance.id ? -1 : 1));
  const called = new Set<CatalogEntry>();
  let panic = false;
  // Who calls by one protocol cannot use the instances of the other: each has to have somebody.
  for (const protocol of PROTOCOLS) {
    const choice = chooseEndpoints(entries.filter(({ instance }) => instance.protocol === protocol && !ejected.has(instance.id)));
    for (const entry of choice.chosen) called.add(entry);
    panic ||= choice.panic;
  }
  return {
    name: service.name,
    grpcServices: entries.length === 0 ? service.lastGrpcServices : unionOf(entries),
    instances: entries.map((entry) => {
      const { instance, health, problem, lastCheckAt, registeredAt } = entry;
      const inEndpoints = called.has(entry);
      return { instance, health, problem, lastCheckAt, inEndpoints, ejected: ejected.has(instance.id), registeredAt };
    }),
    panic,
  };
}

function unionOf(entries: readonly CatalogEntry[]): string[] {
  return [...new Set(entries.flatMap(({ instance }) => instance.grpcServices))].sort();
}

/** Whether calls by the protocol of an instance go to it and to no other. */
export function isOnlyEndpoint(service: ServiceView, id: string): boolean {
  const called = service.instances.filter(({ inEndpoints }) => inEndpoints);
  const own = called.find(({ instance }) => instance.id === id);
  return own !== undefined && called.every((other) => other === own || other.instance.protocol !== own.instance.protocol);
}
