import type { Channel } from "nice-grpc";
import { Protocol } from "../gen/mesh/registry/v1/instance.ts";
import { hostAndPort } from "../runtime/host-port.ts";
import type { Logger } from "../runtime/logger.ts";
import { registryClient } from "./registry.ts";

/** Where one instance of a service can be called. */
export interface ServiceInstance {
  readonly instanceId: string;
  readonly serviceId: string;
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  /** "grpc://host:port" or "http://host:port" */
  readonly uri: string;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Who is there, for programs that choose themselves. Clients of gRPC need it not: "xds:///<service>" finds and balances. */
export interface DiscoveryClient {
  /** One line about where this comes from, for people. */
  description(): Promise<string>;
  /** The names of all services, in order. */
  getServices(): Promise<string[]>;
  /** The instances of a service to which calls may go now; none if there is no such service. */
  getInstances(serviceId: string): Promise<ServiceInstance[]>;
}

/**
 * Asks a registry.
 *
 * @param channel to a registry; stays the caller's, to share and to close.
 */
export function discoveryClient(channel: Channel, logger: Logger): DiscoveryClient {
  const registry = registryClient(channel, logger);
  return {
    async description() {
      return (await registry.listServices({})).registry?.description ?? "";
    },
    async getServices() {
      return (await registry.listServices({})).services.map(({ name }) => name);
    },
    async getInstances(serviceId) {
      const { services } = await registry.listServices({});
      const instances = services.find(({ name }) => name === serviceId)?.instances ?? [];
      return instances.flatMap(({ instance, inEndpoints }) => {
        if (instance === undefined || !inEndpoints) return [];
        const { id, address: host, port, protocol, metadata } = instance;
        const scheme = protocol === Protocol.PROTOCOL_HTTP ? "http" : "grpc";
        const uri = `${scheme}://${hostAndPort(host, port)}`;
        return [{ instanceId: id, serviceId, host, port, uri, metadata }];
      });
    },
  };
}
