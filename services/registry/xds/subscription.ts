import type { Refusal, Subscription as SubscriptionState } from "../../../gen/mesh/registry/v1/registry_service.ts";
import type { DiscoveryRequest } from "./request.ts";
import { type ResourceType, shortNameOf, wholeTypes } from "./resource-type.ts";
import type { Response, Responses } from "./responses.ts";
import type { Resource, Snapshot } from "./snapshot.ts";
import type { Subscribers } from "./subscribers.ts";

/** What every subscription works with. */
export interface SubscriptionDeps {
  readonly snapshot: Snapshot;
  readonly subscribers: Subscribers;
  readonly responses: Responses;
  /** Whose client it is. */
  readonly owner: string;
  /** There may be something to take. */
  wake(): void;
  /** The client knows more than before, or wants less. */
  progressed(subscription: Subscription): void;
}

/** Asks for every resource of a type, as a name. */
const ALL = "*";
/** Responses that may be parted are, when they grow beyond this. Clients take up to 4 MiB. */
const LARGEST_PART_BYTES = 2_097_152;
const LARGEST_REASON_LENGTH = 512;

/**
 * What one client wants, and knows, of one type of resource.
 *
 * There is one response at a time: the next is made when the client has
 * accepted or refused the last, and of what there is by then. So a slow client
 * gets the latest state and never a queue, and a refusal is always about the
 * one response that is open.
 */
export class Subscription {
  readonly type: ResourceType;
  readonly #deps: SubscriptionDeps;
  readonly #names = new Set<string>();
  /** The names as the client has said them last. */
  #lastNames: readonly string[] | undefined;
  #toAll = false;
  /** A client that has never named a resource wants all; one that names none any more wants none. */
  #hasNamed = false;
  /** The versions of the resources that the client was sent, by name. */
  readonly #sent = new Map<string, number>();
  /** Names that may have to be sent. */
  readonly #due = new Set<string>();
  /** Sent, and neither accepted nor refused. */
  #open: Response | undefined;
  #requested = false;
  #sentVersion = "";
  #acceptedVersion = "";
  #refusal: Refusal | undefined;

  constructor(type: ResourceType, deps: SubscriptionDeps) {
    this.type = type;
    this.#deps = deps;
  }

  get owner(): string {
    return this.#deps.owner;
  }

  /** @returns the refusal, if the request is one that is news. */
  request(request: DiscoveryRequest): Refusal | undefined {
    const first = !this.#requested;
    this.#requested = true;
    // The version is the nonce as well.
    if (!first && request.response_nonce !== this.#sentVersion) {
      this.#overtaken(request.resource_names);
      return undefined;
    }
    const answered = this.#open;
    this.#open = undefined;
    const refusal = answered && this.#outcome(answered, request.error_detail);
    this.#subscribe(request.resource_names);
    this.#deps.progressed(this);
    if (this.#due.size > 0) this.#deps.wake();
    return refusal;
  }

  /** A resource that this has subscribed to has changed. */
  changed({ name }: Resource): void {
    this.#due.add(name);
    this.#deps.wake();
  }

  /** What is to be sent now. It counts as sent from here on. */
  take(): Response | undefined {
    if (this.#open !== undefined || this.#due.size === 0) return undefined;
    const due = this.#existing(this.#due).filter(({ name, version }) => this.#sent.get(name) !== version);
    this.#due.clear();
    if (due.length === 0) return undefined;
    const whole = wholeTypes.has(this.type);
    const resources = whole ? this.#existing(this.#toAll ? this.#deps.snapshot.names(this.type) : this.#names) : this.#part(due);
    const response = this.#deps.responses.of(this.type, resources, this.#sentVersion);
    for (const { name, version } of resources) this.#sent.set(name, version);
    this.#open = response;
    this.#sentVersion = response.version;
    return response;
  }

  /** Whether the client has answered to these versions, or later ones, of what it has subscribed to. */
  knows(versions: ReadonlyMap<string, number>): boolean {
    return [...versions].every(([name, version]) => {
      if (!this.#names.has(name)) return true;
      return (this.#sent.get(name) ?? 0) >= version && this.#open?.names.has(name) !== true;
    });
  }

  state(): SubscriptionState {
    return {
      type: shortNameOf(this.type),
      resources: this.#toAll ? this.#sent.size : this.#names.size,
      acceptedVersion: this.#acceptedVersion,
      sentVersion: this.#sentVersion,
      refusal: this.#refusal,
    };
  }

  /** The client is gone. */
  close(): void {
    for (const name of this.#names) this.#deps.subscribers.remove(this, name);
    this.#deps.subscribers.removeFromAll(this);
    this.#names.clear();
    this.#deps.progressed(this);
  }

  #outcome(answered: Response, error: DiscoveryRequest["error_detail"]): Refusal | undefined {
    if (error === null) {
      this.#acceptedVersion = answered.version;
      this.#refusal = undefined;
    } else {
      const reason = error.message.slice(0, LARGEST_REASON_LENGTH).toWellFormed();
      this.#refusal = { version: answered.version, reason, time: new Date() };
    }
    return this.#refusal;
  }

  #subscribe(names: readonly string[]): void {
    // Most requests say nothing new: see decodeRequest().
    if (names === this.#lastNames) return;
    this.#lastNames = names;
    this.#hasNamed ||= names.length > 0;
    const wanted = new Set(names);
    const toAll = wholeTypes.has(this.type) && (wanted.delete(ALL) || !this.#hasNamed);
    if (toAll && !this.#toAll) {
      this.#deps.subscribers.addToAll(this);
      for (const name of this.#deps.snapshot.names(this.type)) this.#due.add(name);
    }
    if (!toAll && this.#toAll) this.#deps.subscribers.removeFromAll(this);
    this.#toAll = toAll;
    for (const name of this.#names.difference(wanted)) {
      this.#names.delete(name);
      this.#deps.subscribers.remove(this, name);
    }
    for (const name of wanted.difference(this.#names)) {
      this.#names.add(name);
      this.#deps.subscribers.add(this, name);
      this.#due.add(name);
    }
    if (toAll) return;
    // What it does not want it forgets.
    for (const name of this.#sent.keys()) if (!wanted.has(name)) this.#sent.delete(name);
  }

  /**
   * The request was on its way when a response was sent: the answer to that will
   * say again what the client wants, so nothing is done for it.
   *
   * But what it does not name the client has forgotten: if it names it again, it
   * needs it again.
   */
  #overtaken(names: readonly string[]): void {
    if (this.#toAll || names === this.#lastNames) return;
    const wanted = new Set(names);
    for (const name of this.#sent.keys()) {
      if (wanted.has(name)) continue;
      this.#sent.delete(name);
      this.#due.add(name);
    }
  }

  #existing(names: Iterable<string>): Resource[] {
    return [...names].flatMap((name) => this.#deps.snapshot.get(this.type, name) ?? []);
  }

  /** As many as fit into one response. The others stay due. */
  #part(due: readonly Resource[]): readonly Resource[] {
    let bytes = 0;
    const part: Resource[] = [];
    for (const resource of due) {
      bytes += resource.message.value.length;
      if (part.length > 0 && bytes > LARGEST_PART_BYTES) this.#due.add(resource.name);
      else part.push(resource);
    }
    return part;
  }
}
