import { setTimeout as delay } from "node:timers/promises";
import pino from "pino";
import { openChannel } from "../clients/channel.ts";
import { registryClient } from "../clients/registry.ts";
import type { ServiceState } from "../gen/mesh/registry/v1/registry_service.ts";
import type { ChannelSecurity } from "../runtime/security.ts";
import type { Placement } from "./placement.ts";

const TRY_AGAIN_MS = 100;

/** What registries know, followed until it is disposed of. */
export interface KnownInstances extends Disposable {
  /** Whether every registry sends callers to this process now. */
  includes(placement: Placement): boolean;
}

/**
 * Follows what registries know, as soon as they are there.
 *
 * @param registries each as "host:port". Without any, every process is known.
 */
export function knownInstances(registries: readonly string[], credentials: ChannelSecurity): KnownInstances {
  const stop = new AbortController();
  const known = registries.map(() => [] as readonly ServiceState[]);
  for (const [index, address] of registries.entries()) {
    void follow({ address, credentials }, stop.signal, (services) => {
      known[index] = services;
    });
  }
  return {
    includes: (placement) => known.every((services) => isIn(services, placement)),
    [Symbol.dispose]: () => stop.abort(),
  };
}

async function follow(
  { address, credentials }: { address: string; credentials: ChannelSecurity },
  signal: AbortSignal,
  onChange: (services: readonly ServiceState[]) => void,
): Promise<void> {
  const channel = openChannel(address, { service: "registry", credentials });
  // That a registry does not answer yet is nothing to speak of.
  const client = registryClient(channel, pino({ level: "silent" }));
  while (!signal.aborted) {
    try {
      for await (const { services } of client.watchServices({}, { signal })) onChange(services);
    } catch {
      onChange([]);
    }
    await delay(TRY_AGAIN_MS, undefined, { signal }).catch(() => {});
  }
  channel.close();
}

/** By its port, as instances choose their own names. */
function isIn(services: readonly ServiceState[], { service, ports }: Placement): boolean {
  const instances = services.find(({ name }) => name === service.name)?.instances ?? [];
  return instances.some(({ instance, inEndpoints }) => inEndpoints && instance?.port === ports.PORT);
}
