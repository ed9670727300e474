import { Failure } from "../../runtime/errors.ts";
import { CatalogEntry, type HealthReport } from "./catalog-entry.ts";
import { type ServiceView, viewOf } from "./catalog-view.ts";
import type { Instance } from "./instance.ts";
import { routedService } from "./routed.ts";
import type { RoutedService } from "./routing.ts";
import type { Rules } from "./traffic.ts";

/** How long the registry remembers an instance whose lease has run out. */
export const FORGET_AFTER_MS = 300_000;
/** No caller can fill the memory of the registry. */
const MOST_INSTANCES = 10_000;
/** No service is to take all the room from the others. */
const MOST_INSTANCES_OF_ONE = 5_000;
const MOST_SERVICES = 2_000;
/** Those that keep no lease have proven nothing: they are not to take the room from those who have, and nobody else takes theirs out. */
const MOST_WITHOUT_LEASE = 1_000;
/** A pause between two sweeps that says that the registry itself stood still. */
const HALTED_MS = 1_000;

/** Time as the catalogue needs it. */
export interface Clock {
  /** Milliseconds since some moment. Never goes back, whatever happens to the time of day. */
  elapsedMs(): number;
  /** The time of day. */
  now(): Date;
}

export const systemClock: Clock = { elapsedMs: () => performance.now(), now: () => new Date() };

/** What a catalogue tells others. Called in the midst of a change: look later. */
export interface CatalogEvents {
  /** A service is not what it was. */
  changed(service: string): void;
  /** An instance was asked for its health and is as it was. */
  checked(): void;
  /** An instance is to be asked for its health: now, and again and again. */
  ask(instance: Instance): void;
  /** The lease of an instance has run out: it need not be asked any more, until it is to be asked again. */
  expired(instance: Instance): void;
  /** An instance is gone for good. */
  gone(id: string): void;
}

export interface CatalogOptions {
  /** How long an instance stays without a word of it. */
  leaseMs: number;
  /** What is set for the traffic of a service. */
  rulesOf(service: string): Rules;
  events: CatalogEvents;
  clock?: Clock;
}

/**
 * What somebody holds who has registered an instance.
 *
 * Who registers the same id later takes it over. Then everything here does
 * nothing: an old stream that ends at last must not harm the new one.
 */
export interface Lease {
  readonly id: string;
  /** Says that the instance lives. @returns "gone" if it was taken out, or is forgotten. */
  renew(): "held" | "taken over" | "gone";
  /** Who held it is gone without a word: the instance stays for what is left of its lease, and is asked for its health now. */
  lost(): void;
  /** Takes the instance out. */
  remove(): void;
}

interface Service {
  readonly name: string;
  readonly entries: Map<string, CatalogEntry>;
  /** What the instance served that left last. */
  lastGrpcServices: readonly string[];
  /** What view() said last; undefined once that is out of date. */
  view: ServiceView | undefined;
}

/** Which instances there are, in memory: those who know it best tell it again within seconds after a restart. */
export class Catalog {
  readonly leaseMs: number;
  readonly #rulesOf: CatalogOptions["rulesOf"];
  readonly #events: CatalogEvents;
  readonly #clock: Clock;
  readonly #services = new Map<string, Service>();
  readonly #entries = new Map<string, CatalogEntry>();
  #withoutLease = 0;
  #sweptAtMs: number;

  constructor(options: CatalogOptions) {
    const { clock = systemClock } = options;
    this.leaseMs = options.leaseMs;
    this.#rulesOf = options.rulesOf;
    this.#events = options.events;
    this.#clock = clock;
    this.#sweptAtMs = clock.elapsedMs();
  }

  /**
   * Takes an instance in, in place of one with the same id, and of a dead one at the same address.
   *
   * @param leaseMs Infinity for one that says nothing: it stays until it is removed, and is in endpoints when it answers.
   * @throws Failure REGISTRY_FULL
   */
  register(instance: Instance, leaseMs = this.leaseMs): Lease {
    const before = this.#entries.get(instance.id);
    if (leaseMs === Number.POSITIVE_INFINITY) this.#admitWithoutLease(before);
    const service = this.#admit(instance, before);
    for (const other of service.entries.values()) {
      if (other !== before && other.isAt(instance) && !other.alive) this.#delete(other);
    }
    if (before !== undefined) this.#detach(before);
    const entry = new CatalogEntry(instance, {
      registeredAt: this.#clock.now(),
      leaseEndsAtMs: this.#clock.elapsedMs() + leaseMs,
      before,
    });
    this.#entries.set(instance.id, entry);
    if (!entry.keepsLease) this.#withoutLease++;
    service.entries.set(instance.id, entry);
    if (before !== undefined && before.instance.service !== instance.service) this.#changed(before.instance.service);
    this.#changed(instance.service);
    this.#events.ask(instance);
    return this.#leaseOf(entry);
  }

  /** Says that an instance lives. @returns whether there is one by this id. */
  renew(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    entry.leaseEndsAtMs = this.#clock.elapsedMs() + this.leaseMs;
    entry.lost = false;
    if (entry.expiredAtMs !== undefined) {
      entry.expiredAtMs = undefined;
      this.#changed(entry.instance.service);
      this.#events.ask(entry.instance);
    }
    return true;
  }

  /** Takes an instance out, at once. @returns its service, if there was one by this id. */
  remove(id: string): string | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#delete(entry);
    return entry.instance.service;
  }

  /**
   * Takes down what an instance has answered, unless it has registered anew since.
   *
   * @returns whether it is not what it was.
   */
  setHealth(instance: Instance, report: HealthReport): boolean {
    const entry = this.#entries.get(instance.id);
    if (entry?.instance !== instance) return false;
    const changed = entry.answered(report, this.#clock.now());
    if (changed) {
      this.#changed(instance.service);
    } else {
      this.#outdate(instance.service);
      this.#events.checked();
    }
    return changed;
  }

  /**
   * Lets leases run out, and forgets those that have been out for long. To be called several times a second.
   *
   * A registry that was halted itself (a machine that slept) has not heard anybody meanwhile: that time does not count.
   */
  sweep(): void {
    const nowMs = this.#clock.elapsedMs();
    const haltedMs = nowMs - this.#sweptAtMs;
    this.#sweptAtMs = nowMs;
    for (const entry of this.#entries.values()) {
      if (haltedMs > HALTED_MS) entry.leaseEndsAtMs += haltedMs;
      if (entry.expiredAtMs === undefined) {
        if (entry.leaseEndsAtMs > nowMs) continue;
        entry.expiredAtMs = nowMs;
        this.#changed(entry.instance.service);
        this.#events.expired(entry.instance);
      } else if (nowMs - entry.expiredAtMs >= FORGET_AFTER_MS) {
        this.#delete(entry);
      }
    }
  }

  /** What is set for a service has changed. */
  rulesChanged(service: string): void {
    if (this.#services.has(service)) this.#changed(service);
  }

  /** All services that were ever seen, by name. */
  list(): ServiceView[] {
    return [...this.#services.values()].map((service) => this.#view(service)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A service; undefined if no instance of it ever registered. */
  get(name: string): ServiceView | undefined {
    const service = this.#services.get(name);
    return service && this.#view(service);
  }

  /** The instance by this id, as it registered. */
  find(id: string): Instance | undefined {
    return this.#entries.get(id)?.instance;
  }

  /** A service as it would be if these instances were taken out by hand, and no others. */
  withEjected(name: string, ejected: ReadonlySet<string>): ServiceView | undefined {
    const service = this.#services.get(name);
    return service && viewOf({ ...service, entries: service.entries.values() }, ejected);
  }

  /** What clients are told of a service. */
  routed(name: string): RoutedService | undefined {
    const view = this.get(name);
    return view && routedService(view, this.#rulesOf(name));
  }

  #admitWithoutLease(before: CatalogEntry | undefined): void {
    if (before?.keepsLease === false || this.#withoutLease < MOST_WITHOUT_LEASE) return;
    throw full(`${MOST_WITHOUT_LEASE} instances that keep no lease`);
  }

  #admit(instance: Instance, before: CatalogEntry | undefined): Service {
    const known = this.#services.get(instance.service);
    if (before === undefined && this.#entries.size >= MOST_INSTANCES) throw full(`${MOST_INSTANCES} instances`);
    if (before === undefined && (known?.entries.size ?? 0) >= MOST_INSTANCES_OF_ONE) {
      throw full(`${MOST_INSTANCES_OF_ONE} instances of one service`);
    }
    if (known !== undefined) return known;
    if (this.#services.size >= MOST_SERVICES && !this.#forgetService()) throw full(`${MOST_SERVICES} services`);
    const service: Service = { name: instance.service, entries: new Map(), lastGrpcServices: [], view: undefined };
    this.#services.set(instance.service, service);
    return service;
  }

  /** Forgets the oldest service that has nobody. @returns whether there was one. */
  #forgetService(): boolean {
    for (const { name, entries } of this.#services.values()) {
      if (entries.size === 0) return this.#services.delete(name);
    }
    return false;
  }

  #leaseOf(entry: CatalogEntry): Lease {
    const { id } = entry.instance;
    const holder = () => {
      const current = this.#entries.get(id);
      if (current === entry) return "held";
      // Who has taken it over and is no more must not keep the one away that still is.
      return current?.alive ? "taken over" : "gone";
    };
    return {
      id,
      renew: () => {
        const state = holder();
        if (state === "held") this.renew(id);
        return state;
      },
      lost: () => {
        if (holder() !== "held") return;
        entry.lost = true;
        if (entry.expiredAtMs === undefined) this.#events.ask(entry.instance);
      },
      remove: () => {
        if (holder() === "held") this.#delete(entry);
      },
    };
  }

  #delete(entry: CatalogEntry): void {
    const { id, service } = entry.instance;
    this.#entries.delete(id);
    this.#detach(entry);
    this.#events.gone(id);
    this.#changed(service);
  }

  #detach({ instance, keepsLease }: CatalogEntry): void {
    if (!keepsLease) this.#withoutLease--;
    const service = this.#services.get(instance.service);
    if (service === undefined) return;
    service.entries.delete(instance.id);
    service.lastGrpcServices = instance.grpcServices;
  }

  #changed(service: string): void {
    this.#outdate(service);
    this.#events.changed(service);
  }

  #outdate(name: string): void {
    const service = this.#services.get(name);
    if (service !== undefined) service.view = undefined;
  }

  #view(service: Service): ServiceView {
    const { name, entries, lastGrpcServices } = service;
    service.view ??= viewOf({ name, entries: entries.values(), lastGrpcServices }, this.#rulesOf(name).ejected);
    return service.view;
  }
}

function full(what: string): Failure {
  return new Failure("exhausted", `the registry has room for ${what}`, { reason: "REGISTRY_FULL" });
}
