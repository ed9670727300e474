import type { Instance as InstanceMessage } from "../../gen/mesh/registry/v1/instance.ts";
import { type ClientState, RegistryServiceDefinition, type RegistryState } from "../../gen/mesh/registry/v1/registry_service.ts";
import { TrafficServiceDefinition } from "../../gen/mesh/registry/v1/traffic_service.ts";
import type { MeshServer } from "../../interceptors/server/chain.ts";
import { hostAndPort } from "../../runtime/host-port.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { ChannelSecurity } from "../../runtime/security.ts";
import { Announcer } from "./announcer.ts";
import { Catalog, type Clock, systemClock } from "./catalog.ts";
import type { HealthReport } from "./catalog-entry.ts";
import { registryHandler } from "./handler.ts";
import { HealthProbe } from "./health-probe.ts";
import { type Instance, instanceOf } from "./instance.ts";
import { Loads } from "./load.ts";
import { Overview } from "./overview.ts";
import { Prober } from "./prober.ts";
import { requireFree } from "./registrant.ts";
import type { RoutedService } from "./routing.ts";
import type { TrafficStore } from "./traffic.ts";
import { TrafficControl } from "./traffic-control.ts";
import { trafficHandler } from "./traffic-handler.ts";

/** How often leases are looked at. */
const SWEEP_MS = 200;
const SETTLE_MS = 2_000;
const FIRST_MESSAGE_MS = 10_000;

/** What tells clients where calls go. */
export interface DataPlane {
  /** A service is new, or not what it was. */
  update(service: RoutedService): void;
  /** Resolves when every client that is connected now has taken in what it was told last of a service. */
  settled(service: string): Promise<void>;
  /** Who is connected. */
  clients(): readonly ClientState[];
}

/** How the health of instances is found out. */
export interface Asker {
  /** Never rejects, and takes two seconds at most. */
  ask(instance: Instance): Promise<HealthReport>;
  /** What is kept open for an instance can be closed. */
  release(id: string): void;
  close(): void;
}

export interface RegistryOptions {
  /** Unique among the registries of a mesh. */
  id: string;
  /** One line about it, for people. */
  description: string;
  /** Stays the caller's, to close after the registry. */
  store: TrafficStore;
  dataPlane: DataPlane;
  logger: Logger;
  leaseMs: number;
  probeIntervalMs: number;
  pollIntervalMs: number;
  /** How long a drain waits for clients to know. The default is two seconds. */
  settleMs?: number;
  /** How long a stream may be open before it says whose it is. The default is ten seconds. */
  firstMessageMs?: number;
  /** Whoever is asked has to prove who it is. */
  credentials: ChannelSecurity;
  /** The default asks over the network. */
  asker?: Asker;
  clock?: Clock;
}

/** A registry, without the server it is reached by. */
export interface Registry {
  readonly catalog: Catalog;
  readonly control: TrafficControl;
  readonly overview: Overview;
  /** What it says of itself. */
  readonly state: RegistryState;
  /** Adds its services to a server. */
  add(server: MeshServer): void;
  /**
   * Registers an instance of a program that proves no identity. It keeps no lease.
   *
   * @param observedAddress the IP address of who has asked for it.
   * @returns the id of the instance.
   * @throws Failure as Register does, and for names that are for those who prove that they are theirs.
   */
  registerUnproven(message: InstanceMessage, observedAddress: string): string;
  /** When the calls are over. */
  close(): Promise<void>;
}

/**
 * A registry that is at work: what is stored is in force when this resolves.
 *
 * @throws if the store cannot be read.
 */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const { store, dataPlane, logger, leaseMs, clock = systemClock, asker = new HealthProbe(options) } = options;
  const { settleMs = SETTLE_MS, firstMessageMs = FIRST_MESSAGE_MS } = options;

  const loads = new Loads(() => clock.elapsedMs());
  const changed = (service: string) => {
    overview.changed();
    announcer.changed(service);
  };
  const prober = new Prober({
    intervalMs: options.probeIntervalMs,
    ask: (instance) => asker.ask(instance),
    answered(instance, report) {
      if (!catalog.setHealth(instance, report)) return;
      logger.info({ instance: instance.id, service: instance.service, ...report }, "the health of an instance has changed");
    },
  });
  const rest = (id: string) => {
    prober.rest(id);
    asker.release(id);
  };
  const catalog = new Catalog({
    ...{ leaseMs, clock },
    rulesOf: (service) => control.rulesOf(service),
    events: {
      changed,
      checked: () => overview.loadChanged(),
      ask: (instance) => prober.watch(instance),
      expired({ id, service }) {
        logger.warn({ instance: id, service }, "the lease of an instance has run out");
        rest(id);
        loads.forget(id);
      },
      gone(id) {
        rest(id);
        loads.forget(id);
      },
    },
  });
  const control = new TrafficControl({
    ...{ store, logger },
    instances: catalog,
    changed: (service) => catalog.rulesChanged(service),
  });
  const overview = new Overview({
    list: () => catalog.list(),
    rulesOf: (service) => control.rulesOf(service),
    loadOf: (id) => loads.loadOf(id),
  });
  const announcer = new Announcer({ routed: (service) => catalog.routed(service), dataPlane, settleMs, logger });

  await control.load();
  const stopPolling = control.startPolling(options.pollIntervalMs);
  const sweeping = setInterval(() => catalog.sweep(), SWEEP_MS).unref();
  const state: RegistryState = { id: options.id, description: options.description, startTime: clock.now() };
  const deps = {
    ...{ catalog, loads, overview, state, firstMessageMs, logger },
    settled: (service: string) => announcer.settled(service),
    clients: () => dataPlane.clients(),
  };
  return {
    ...{ catalog, control, overview, state },
    add(server) {
      server.add(RegistryServiceDefinition, registryHandler(deps));
      server.add(TrafficServiceDefinition, trafficHandler({ control, logger }));
    },
    registerUnproven(message, observedAddress) {
      const instance = instanceOf(message, hostAndPort(observedAddress, 0));
      requireFree({ catalog, logger }, instance, observedAddress);
      return catalog.register(instance, Number.POSITIVE_INFINITY).id;
    },
    async close() {
      clearInterval(sweeping);
      overview.close();
      announcer.close();
      prober.close();
      asker.close();
      await stopPolling();
    },
  };
}
