import type { CallContext } from "nice-grpc";
import type {
  ClientState,
  RegistryServiceImplementation,
  RegistryState,
  ServiceState,
} from "../../gen/mesh/registry/v1/registry_service.ts";
import { currentCall } from "../../runtime/call-context.ts";
import { durationOf } from "../../runtime/duration.ts";
import { invalidField } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Catalog } from "./catalog.ts";
import { holdLease } from "./hold-lease.ts";
import { instanceOf } from "./instance.ts";
import type { Loads } from "./load.ts";
import { notRegistered, serviceNotRegistered } from "./not-registered.ts";
import type { Overview } from "./overview.ts";
import { requireOwner, requireRegistrant } from "./registrant.ts";

export interface RegistryDeps {
  catalog: Catalog;
  loads: Loads;
  overview: Overview;
  /** Resolves when all clients know what a service is now, or after a while. Never rejects. */
  settled(service: string): Promise<void>;
  /** Who is connected by xDS. */
  clients(): readonly ClientState[];
  state: RegistryState;
  /** How long a stream may be open before it says whose it is. */
  firstMessageMs: number;
  logger: Logger;
}

/** Implements mesh.registry.v1.RegistryService. */
export function registryHandler(deps: RegistryDeps): RegistryServiceImplementation {
  const { catalog, overview, logger } = deps;
  const requireOwnerOf = (instanceId: string) => {
    const instance = catalog.find(instanceId);
    if (instance !== undefined) requireOwner(deps, currentCall()?.caller, instance.service);
  };
  return {
    holdLease: (requests, context) => holdLease(deps, requests, context),

    async register({ instance: message }, { peer }) {
      if (message === undefined) throw invalidField("instance", "is required");
      const instance = instanceOf(message, peer);
      requireRegistrant(deps, currentCall()?.caller, instance);
      catalog.register(instance);
      const { id, service, address, port } = instance;
      logger.info({ instance: id, service, address, port }, "instance registered");
      return { instanceId: id, lease: durationOf(catalog.leaseMs) };
    },

    async heartbeat({ instanceId }) {
      requireOwnerOf(instanceId);
      if (!catalog.renew(instanceId)) throw notRegistered(instanceId);
      return { lease: durationOf(catalog.leaseMs) };
    },

    async deregister({ instanceId }) {
      requireOwnerOf(instanceId);
      const service = catalog.remove(instanceId);
      if (service !== undefined) logger.info({ instance: instanceId, service }, "instance deregistered");
      return {};
    },

    async listServices() {
      return { services: overview.services() as ServiceState[], registry: deps.state };
    },

    async getService({ service }) {
      const view = catalog.get(service);
      if (view === undefined) throw serviceNotRegistered(service);
      return { service: overview.service(view) };
    },

    async *watchServices(_request, { signal }: CallContext) {
      for await (const services of overview.watch(signal)) yield { services: services as ServiceState[] };
    },

    async listClients() {
      return { clients: deps.clients().toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1)) };
    },
  };
}
