import { RegistryServiceDefinition } from "../../gen/mesh/registry/v1/registry_service.ts";
import { TrafficServiceDefinition } from "../../gen/mesh/registry/v1/traffic_service.ts";
import { meshServer } from "../../interceptors/server/chain.ts";
import { readConfig } from "../../runtime/config.ts";
import { readCredentials } from "../../runtime/credentials.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { joinMesh } from "../../runtime/mesh.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { runUntilSignal } from "../../runtime/run.ts";
import { configSchema } from "./config.ts";
import { pages } from "./pages/server.ts";
import { createRegistry } from "./registry.ts";
import { openRegistryStore } from "./store.ts";
import { XdsServer } from "./xds/xds-server.ts";

const config = readConfig(configSchema, process.env);
const logger = createLogger({ name: "registry", level: config.logLevel });
const metrics = createMetrics("registry");
// A registry is a service like any other: it registers with all registries, itself included.
const credentials = await readCredentials("registry", { folder: config.credentialsDir, logger, metrics });
const mesh = await joinMesh({ service: "registry", ...config, credentials, logger });
const store = await openRegistryStore(config.databaseUrl, logger);
const xds = new XdsServer({ logger, ...config });
const registry = await createRegistry({
  ...config,
  id: mesh.id,
  description: "the registry of a Bookmesh",
  ...{ store, dataPlane: xds, credentials, logger },
});
// The rules in memory stay in force without the store; to change them takes it.
const health = new Health(
  { [RegistryServiceDefinition.fullName]: async () => {}, [TrafficServiceDefinition.fullName]: async () => {} },
  { logger },
);

const server = meshServer({ logger, metrics, health, credentials, ...config });
registry.add(server);
xds.addTo(server);

const web = await pages({
  services: () => registry.overview.services(),
  service(name) {
    const view = registry.catalog.get(name);
    return view && registry.overview.service(view);
  },
  registry: () => registry.state,
  clients: () => xds.clients(),
  register: registry.registerUnproven,
  logger,
});

await runUntilSignal({
  server,
  mesh,
  ...config,
  health,
  metrics,
  logger,
  pages: {
    listen: async () => void (await web.listen({ host: config.host, port: config.httpPort })),
    drain: () => web.close(),
    cut: () => web.server.closeAllConnections(),
  },
  closers: [
    { name: "xds", close: () => xds.close() },
    { name: "registry", close: registry.close },
    { name: "store", close: store.close },
  ],
});
