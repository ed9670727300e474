import type { RoutedService } from "../routing.ts";
import { clusterNameOf } from "./clusters.ts";
import type { AnyMessage } from "./protos.ts";
import { ASSIGNMENT, type ResourceType, resourceTypes } from "./resource-type.ts";
import { assignmentsOf, routingKeyOf, routingOf } from "./resources.ts";

/** What clients can subscribe to, encoded. */
export interface Resource {
  readonly type: ResourceType;
  readonly name: string;
  /** Grows with every change. No two resources have the same. */
  readonly version: number;
  readonly message: AnyMessage;
}

/** All resources as they are now. What has once been there stays. */
export class Snapshot {
  readonly #resources = new Map(resourceTypes.map((type) => [type, new Map<string, Resource>()]));
  readonly #services = new Map<string, { readonly versions: Set<string>; routingKey: string }>();
  #lastVersion = 0;

  /** @returns the resources that this has changed. */
  update(service: RoutedService): readonly Resource[] {
    const known = this.#services.get(service.name) ?? { versions: new Set(), routingKey: "" };
    this.#services.set(service.name, known);
    // They stay when the split is over: clients that have not heard of it yet go on with them.
    for (const { version } of service.split) known.versions.add(version);

    // Most changes are of endpoints alone.
    const routingKey = routingKeyOf(service, known.versions);
    const routing = routingKey === known.routingKey ? [] : routingOf(service, known.versions);
    known.routingKey = routingKey;

    const changed: Resource[] = [];
    for (const { type, name, message, empty } of [...routing, ...assignmentsOf(service, known.versions)]) {
      const before = this.get(type, name);
      // "No endpoints" is only true of what had some: what has not been seen yet may be about to register.
      if (before === undefined ? empty : before.message.value.equals(message.value)) continue;
      const resource = { type, name, message, version: ++this.#lastVersion };
      this.#resources.get(type)?.set(name, resource);
      changed.push(resource);
    }
    return changed;
  }

  get(type: ResourceType, name: string): Resource | undefined {
    return this.#resources.get(type)?.get(name);
  }

  /** The names of all resources of a type. */
  names(type: ResourceType): Iterable<string> {
    return this.#resources.get(type)?.keys() ?? [];
  }

  /** Where the clusters of a service have their endpoints now. */
  assignments(service: string): readonly Resource[] {
    const versions = this.#services.get(service)?.versions ?? [];
    return [undefined, ...versions].flatMap((version) => this.get(ASSIGNMENT, clusterNameOf(service, version)) ?? []);
  }
}
