import type { Channel } from "nice-grpc";
import { type RegistryServiceClient, RegistryServiceDefinition } from "../gen/mesh/registry/v1/registry_service.ts";
import { type TrafficServiceClient, TrafficServiceDefinition } from "../gen/mesh/registry/v1/traffic_service.ts";
import { type ClientCallOptions, clientFactory } from "../interceptors/client/chain.ts";
import type { Logger } from "../runtime/logger.ts";

export type RegistryClient = RegistryServiceClient<ClientCallOptions>;
export type TrafficClient = TrafficServiceClient<ClientCallOptions>;

/**
 * A client of mesh.registry.v1.RegistryService. Deadlines and retries are the contract's.
 *
 * @param channel stays the caller's, to share and to close.
 */
export function registryClient(channel: Channel, logger: Logger): RegistryClient {
  return clientFactory({ logger }).create(RegistryServiceDefinition, channel);
}

/** A client of mesh.registry.v1.TrafficService, likewise. */
export function trafficClient(channel: Channel, logger: Logger): TrafficClient {
  return clientFactory({ logger }).create(TrafficServiceDefinition, channel);
}
