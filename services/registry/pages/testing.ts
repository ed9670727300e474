import type { AddressInfo } from "node:net";
import { type DeepPartial, Health, type Instance, InstanceState, Protocol } from "../../../gen/mesh/registry/v1/instance.ts";
import {
  RegistryState,
  type ServiceState,
  ServiceState as ServiceStates,
} from "../../../gen/mesh/registry/v1/registry_service.ts";
import { hostAndPort } from "../../../runtime/host-port.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { instanceOf } from "../instance.ts";
import { type PagesDeps, pages } from "./server.ts";
import type { ServiceDocument } from "./service-document.ts";

/** The pages on a free port. What is not given is a registry in which nothing is registered. Bind it with `await using`. */
export async function openPages(deps: Partial<PagesDeps> = {}) {
  const logs: Record<string, unknown>[] = [];
  const registered: Instance[] = [];
  const services = deps.services ?? (() => []);
  const app = await pages({
    services,
    service: (wanted) => services().find(({ name }) => name === wanted),
    registry: () => RegistryState.fromPartial({ id: "registry-0", description: "The registry of the tests." }),
    clients: () => [],
    register(message, observedAddress) {
      const { id } = instanceOf(message, hostAndPort(observedAddress, 0));
      registered.push({ ...message, id });
      return id;
    },
    logger: createLogger({
      name: "registry",
      level: "debug",
      destination: { write: (line: string) => void logs.push(JSON.parse(line)) },
    }),
    ...deps,
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    ...{ app, port, origin, logs, registered },
    fetch: (path: string, init?: RequestInit) => fetch(origin + path, init),
    /** Registers, and tells what came back. */
    async register(body: unknown) {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${origin}/register`, { method: "POST", headers, body: JSON.stringify(body) });
      return { status: response.status, body: await response.json() };
    },
    async get<Body = ServiceDocument>(path: string) {
      const response = await fetch(origin + path);
      return { status: response.status, body: (await response.json()) as Body };
    },
    async [Symbol.asyncDispose]() {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

/** A service of which nothing is set but this. */
export function service(name: string, says: DeepPartial<ServiceState> = {}): ServiceState {
  return ServiceStates.fromPartial({ name, ...says });
}

/** A healthy instance at 192.0.2.<number>:8000 to which calls go. */
export function instance(
  number: number,
  { instance: identity, ...says }: Omit<DeepPartial<InstanceState>, "instance"> & { instance?: DeepPartial<Instance> } = {},
): InstanceState {
  return InstanceState.fromPartial({
    health: Health.HEALTH_HEALTHY,
    lastCheckTime: new Date(1_700_000_000_500),
    inEndpoints: true,
    ...says,
    instance: { id: `i${number}`, address: `192.0.2.${number}`, port: 8000, protocol: Protocol.PROTOCOL_HTTP, ...identity },
  });
}

/** Out of endpoints, and never asked. */
export const NEW = { health: Health.HEALTH_UNSPECIFIED, lastCheckTime: undefined, inEndpoints: false } as const;
/** Out of endpoints, and silent. */
export const GONE = { health: Health.HEALTH_UNAVAILABLE, inEndpoints: false, problem: "connection refused" } as const;
