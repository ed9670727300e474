import { Registry as Metrics } from "prom-client";
import { openChannel } from "../../clients/channel.ts";
import { type RegistryClient, registryClient, type TrafficClient, trafficClient } from "../../clients/registry.ts";
import { type MeshServer, meshServer } from "../../interceptors/server/chain.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createRegistry, type Registry } from "../../services/registry/registry.ts";
import { openRegistryStore } from "../../services/registry/store.ts";
import { XdsServer } from "../../services/registry/xds/xds-server.ts";
import { testDatabase } from "./database.ts";
import { LogLines } from "./log-lines.ts";
import { plaintext } from "./plaintext.ts";
import type { TestAuthority } from "./test-authority.ts";

/** A whole registry in this process. Leases last for the whole test. */
export interface MeshRegistry extends AsyncDisposable {
  /** "host:port" */
  readonly address: string;
  readonly client: RegistryClient;
  readonly traffic: TrafficClient;
  readonly server: MeshServer;
  readonly registry: Registry;
  readonly metrics: Metrics;
  readonly logs: LogLines;
}

/**
 * @param authority whose certificates everybody has; without one nobody needs any.
 * @returns to be bound with `await using`, which ends it.
 */
export async function startMeshRegistry(authority?: TestAuthority): Promise<MeshRegistry> {
  await using stack = new AsyncDisposableStack();
  const credentials = (await authority?.credentials("registry")) ?? plaintext("operator");
  const operator = (await authority?.credentials("operator")) ?? plaintext();
  const logs = new LogLines();
  const logger = createLogger({ name: "registry", level: "debug", destination: logs });
  const store = await openRegistryStore(stack.use(await testDatabase()).url, logger);
  stack.defer(store.close);
  const xds = new XdsServer({ logger });
  stack.defer(() => xds.close());
  const registry = await createRegistry({
    ...{ id: "registry", description: "a test", store, dataPlane: xds, credentials, logger },
    ...{ leaseMs: 600_000, probeIntervalMs: 10_000, pollIntervalMs: 100 },
  });
  stack.defer(registry.close);
  const health = new Health({}, { logger });
  const metrics = new Metrics();
  const server = meshServer({
    ...{ logger, metrics, health, credentials },
    ...{ maxCallsInFlight: 1_000, maxOpenStreams: 1_000 },
  });
  registry.add(server);
  xds.addTo(server);
  const address = `127.0.0.1:${await server.listen("127.0.0.1:0")}`;
  stack.defer(() => void server.forceShutdown());
  const channel = openChannel(address, { service: "registry", credentials: operator });
  stack.defer(() => channel.close());
  const owned = stack.move();
  return {
    ...{ address, server, registry, metrics, logs },
    client: registryClient(channel, logger),
    traffic: trafficClient(channel, logger),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
