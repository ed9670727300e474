import { Failure } from "../../../runtime/errors.ts";
import { type ResourceType, resourceTypes } from "./resource-type.ts";
import type { Subscription } from "./subscription.ts";

/** Nobody can fill the memory of the registry: this is a thousand clients of two hundred services each. */
const MOST_SUBSCRIPTIONS = 1_000_000;
/** Nor can one service take all of the room from the others. */
const MOST_OF_ONE = 500_000;

/** Who has subscribed to what: a change costs as much as it has subscribers. */
export class Subscribers {
  readonly #byName = new Map(resourceTypes.map((type) => [type, new Map<string, Set<Subscription>>()]));
  #count = 0;
  /** By whose clients they are. */
  readonly #countOf = new Map<string, number>();
  readonly #toAll = new Map(resourceTypes.map((type) => [type, new Set<Subscription>()]));

  /** Those who have asked for the resource, and those who have asked for all of its type. */
  *of(type: ResourceType, name: string): Iterable<Subscription> {
    yield* this.#byName.get(type)?.get(name) ?? [];
    yield* this.#toAll.get(type) ?? [];
  }

  /** @throws Failure REGISTRY_FULL */
  add(subscription: Subscription, name: string): void {
    const ofOwner = this.#countOf.get(subscription.owner) ?? 0;
    if (this.#count >= MOST_SUBSCRIPTIONS || ofOwner >= MOST_OF_ONE) {
      throw new Failure("exhausted", "the registry has no room for more subscriptions", { reason: "REGISTRY_FULL" });
    }
    this.#count++;
    this.#countOf.set(subscription.owner, ofOwner + 1);
    const names = this.#byName.get(subscription.type);
    const subscriptions = names?.get(name) ?? new Set();
    names?.set(name, subscriptions.add(subscription));
  }

  remove(subscription: Subscription, name: string): void {
    const names = this.#byName.get(subscription.type);
    const subscriptions = names?.get(name);
    if (subscriptions?.delete(subscription)) {
      this.#count--;
      const left = (this.#countOf.get(subscription.owner) ?? 0) - 1;
      if (left > 0) this.#countOf.set(subscription.owner, left);
      else this.#countOf.delete(subscription.owner);
    }
    if (subscriptions?.size === 0) names?.delete(name);
  }

  addToAll(subscription: Subscription): void {
    this.#toAll.get(subscription.type)?.add(subscription);
  }

  removeFromAll(subscription: Subscription): void {
    this.#toAll.get(subscription.type)?.delete(subscription);
  }
}
