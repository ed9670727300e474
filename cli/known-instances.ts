import { isAbortError } from "abort-controller-x";
import pino from "pino";
import { openChannel } from "../clients/channel.ts";
import { registryClient } from "../clients/registry.ts";
import type { ServiceState } from "../gen/mesh/registry/v1/registry_service.ts";
import { type Placement, REGISTRY } from "./placement.ts";
import type { Probe } from "./readiness.ts";

const LOOK_EVERY_MS = 100;

export interface KnownInstances extends Disposable {
  /** Whether every registry sends callers to this process. The registries themselves need not be known to each other. */
  includes(placement: Placement): Probe;
}

/**
 * What registries know, for many who ask again and again.
 *
 * @param registries each as "host:port". Without any, every process is known.
 */
export function knownInstances(registries: readonly string[]): KnownInstances {
  // That a registry does not answer yet is nothing to speak of.
  const logger = pino({ level: "silent" });
  const channels = registries.map((address) => openChannel(address));
  const clients = channels.map((channel) => registryClient(channel, logger));
  let lookedAt = Number.NEGATIVE_INFINITY;
  let lists: Promise<ServiceState[][]> = Promise.resolve([]);

  const look = (signal: AbortSignal) => {
    if (performance.now() - lookedAt >= LOOK_EVERY_MS) {
      lookedAt = performance.now();
      lists = Promise.all(clients.map(async (client) => (await client.listServices({}, { signal })).services));
    }
    return lists;
  };
  return {
    includes: (placement) => async (signal) => {
      if (placement.service.name === REGISTRY || registries.length === 0) return true;
      try {
        return (await look(signal)).every((services) => isIn(services, placement));
      } catch (error) {
        if (isAbortError(error)) throw error;
        return false;
      }
    },
    [Symbol.dispose]() {
      for (const channel of channels) channel.close();
    },
  };
}

/** By its port, as instances choose their own names. */
function isIn(services: readonly ServiceState[], { service, ports }: Placement): boolean {
  const instances = services.find(({ name }) => name === service.name)?.instances ?? [];
  return instances.some(({ instance, inEndpoints }) => inEndpoints && instance?.port === ports.PORT);
}
