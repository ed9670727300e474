import { isDeepStrictEqual } from "node:util";
import { Failure } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { pollEvery } from "../../runtime/poll.ts";
import { isOnlyEndpoint, type ServiceView } from "./catalog-view.ts";
import type { Instance } from "./instance.ts";
import { instanceNotRegistered, serviceNotRegistered } from "./not-registered.ts";
import type { Balancing, Fault, VersionShare } from "./routing.ts";
import {
  checkSplit,
  isEmpty,
  NO_RULES,
  type RuleBook,
  type RuleEdit,
  type Rules,
  type StoredRules,
  type TrafficStore,
  undoing,
} from "./traffic.ts";

/** What traffic control has to know of the instances. */
export interface KnownInstances {
  get(service: string): ServiceView | undefined;
  find(id: string): Instance | undefined;
  /** A service as it would be if these instances were taken out by hand. */
  withEjected(service: string, ejected: ReadonlySet<string>): ServiceView | undefined;
}

/** What a command has changed. */
export interface Change {
  /** The services whose rules are others now, by name; for an eject or a set, the one it was about. */
  readonly services: readonly string[];
  readonly before: RuleBook;
  readonly after: RuleBook;
}

export interface TrafficControlOptions {
  store: TrafficStore;
  instances: KnownInstances;
  /** The rules of a service are others now. */
  changed(service: string): void;
  logger: Logger;
}

/**
 * The rules that are in force, and the commands that change them.
 *
 * A command is stored first and in force then. Several registries share a store,
 * and look for what the others have changed. While the store is away nothing can
 * be changed, and what is in force stays so.
 */
export class TrafficControl {
  readonly #options: TrafficControlOptions;
  #inForce: StoredRules = { revision: -1, rules: new Map() };
  #storeLost = false;

  constructor(options: TrafficControlOptions) {
    this.#options = options;
  }

  /** What is set for a service. */
  rulesOf(service: string): Rules {
    return this.#inForce.rules.get(service) ?? NO_RULES;
  }

  /** Puts in force what is stored. */
  async load(): Promise<void> {
    this.#put(await this.#options.store.load());
  }

  /** Looks for changes of other registries, again and again. @returns stops it. */
  startPolling(intervalMs: number): () => Promise<void> {
    const { logger } = this.#options;
    const look = async () => {
      await this.look();
      if (this.#storeLost) logger.info("the store of the traffic rules is back");
      this.#storeLost = false;
    };
    return pollEvery(intervalMs, look, (error) => {
      if (!this.#storeLost) logger.warn({ err: error }, "cannot look for changes of traffic rules; those in force stay");
      this.#storeLost = true;
    });
  }

  /** Looks for changes once. */
  async look(): Promise<void> {
    const known = this.#inForce;
    if ((await this.#options.store.revision()) === known.revision) return;
    const stored = await this.#options.store.load();
    // If a command was faster, what has been read may be older than what is in force.
    if (this.#inForce === known) this.#put(stored);
  }

  /** @throws Failure */
  setSplit(service: string, split: readonly VersionShare[]): Promise<Change> {
    checkSplit(split);
    return this.#change(() => {
      const { instances } = this.#known(service);
      for (const { version } of split) {
        if (instances.some(({ instance }) => instance.version === version)) continue;
        throw new Failure("not-found", `no instance of ${service} has version ${version}`, {
          reason: "VERSION_NOT_REGISTERED",
          metadata: { service, version },
        });
      }
      return [{ service, kind: "split", value: split }];
    });
  }

  /** @throws Failure */
  setFault(service: string, fault: Fault): Promise<Change> {
    return this.#change(() => {
      this.#known(service);
      return [{ service, kind: "fault", value: fault }];
    });
  }

  /** @throws Failure */
  setBalancing(service: string, balancing: Balancing): Promise<Change> {
    return this.#change(() => {
      this.#known(service);
      return [{ service, kind: "balancing", value: balancing }];
    });
  }

  /** @throws Failure */
  eject(instanceId: string): Promise<Change> {
    return this.#change((rules) => {
      const { instances } = this.#options;
      const service = instances.find(instanceId)?.service;
      if (service === undefined) throw instanceNotRegistered(instanceId);
      // By what is stored: another registry may have ejected the others just now.
      const now = instances.withEjected(service, rules.get(service)?.ejected ?? new Set());
      if (now !== undefined && isOnlyEndpoint(now, instanceId)) {
        throw new Failure("failed-precondition", `calls to ${service} would have nowhere to go`, {
          reason: "LAST_INSTANCE",
          metadata: { service, instance: instanceId },
        });
      }
      return [{ service, kind: "ejection", instanceId, ejected: true }];
    });
  }

  /**
   * Undoes what is set.
   *
   * @param target a service, the id of an instance, or "" for everything. A service goes before an instance of the same name.
   * @throws Failure
   */
  restore(target: string): Promise<Change> {
    return this.#change((rules) => {
      const edits = editsToRestore(target, rules);
      if (edits.length > 0) return edits;
      throw new Failure("not-found", target === "" ? "nothing is set" : `nothing is set for ${target}`, {
        reason: "NOTHING_TO_RESTORE",
      });
    });
  }

  #known(service: string): ServiceView {
    const known = this.#options.instances.get(service);
    if (known !== undefined) return known;
    throw serviceNotRegistered(service);
  }

  async #change(decide: (rules: RuleBook) => readonly RuleEdit[]): Promise<Change> {
    const services = new Set<string>();
    const { before, after } = await this.#options.store.change((rules) => {
      const edits = decide(rules);
      for (const { service } of edits) services.add(service);
      return edits;
    });
    // Commands may come back in another order than they were stored in.
    if (after.revision > this.#inForce.revision) this.#put(after);
    return { services: [...services].sort(), before, after: after.rules };
  }

  #put(stored: StoredRules): void {
    const before = this.#inForce.rules;
    this.#inForce = stored;
    for (const service of new Set([...before.keys(), ...stored.rules.keys()])) {
      const [was, is] = [before.get(service), stored.rules.get(service)];
      if (!isDeepStrictEqual(was, is)) this.#options.changed(service);
    }
  }
}

function editsToRestore(target: string, rules: RuleBook): RuleEdit[] {
  if (target === "") return [...rules].flatMap(([service, set]) => undoing(service, set));
  const ofService = rules.get(target);
  if (ofService !== undefined && !isEmpty(ofService)) return undoing(target, ofService);
  return [...rules].flatMap(([service, { ejected }]) =>
    ejected.has(target) ? [{ service, kind: "ejection" as const, instanceId: target, ejected: false }] : [],
  );
}
