import { type ResourceType, resourceTypes } from "./resource-type.ts";
import type { Subscription } from "./subscription.ts";

/** Who has subscribed to what: a change costs as much as it has subscribers. */
export class Subscribers {
  readonly #byName = new Map(resourceTypes.map((type) => [type, new Map<string, Set<Subscription>>()]));
  readonly #toAll = new Map(resourceTypes.map((type) => [type, new Set<Subscription>()]));

  /** Those who have asked for the resource, and those who have asked for all of its type. */
  *of(type: ResourceType, name: string): Iterable<Subscription> {
    yield* this.#byName.get(type)?.get(name) ?? [];
    yield* this.#toAll.get(type) ?? [];
  }

  add(subscription: Subscription, name: string): void {
    const names = this.#byName.get(subscription.type);
    const subscriptions = names?.get(name) ?? new Set();
    names?.set(name, subscriptions.add(subscription));
  }

  remove(subscription: Subscription, name: string): void {
    const names = this.#byName.get(subscription.type);
    const subscriptions = names?.get(name);
    subscriptions?.delete(subscription);
    if (subscriptions?.size === 0) names?.delete(name);
  }

  addToAll(subscription: Subscription): void {
    this.#toAll.get(subscription.type)?.add(subscription);
  }

  removeFromAll(subscription: Subscription): void {
    this.#toAll.get(subscription.type)?.delete(subscription);
  }
}
