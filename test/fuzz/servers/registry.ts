import { createRegistry } from "../../../services/registry/registry.ts";
import { openRegistryStore } from "../../../services/registry/store.ts";
import { XdsServer } from "../../../services/registry/xds/xds-server.ts";
import { plaintext } from "../../support/plaintext.ts";
import type { AddServices } from "./making.ts";

export const addRegistry: AddServices = async (server, { databaseUrl, logger }) => {
  const store = await openRegistryStore(databaseUrl, logger);
  const xds = new XdsServer({ logger });
  const registry = await createRegistry({
    ...{ id: "registry", description: "a target", store, dataPlane: xds, credentials: plaintext(), logger },
    ...{ leaseMs: 10_000, probeIntervalMs: 10_000, pollIntervalMs: 250 },
    // Instances say where they are: nobody is to be called there.
    asker: { ask: async () => ({ healthy: true, problem: "" }) as never, release() {}, close() {} },
  });
  registry.add(server);
  xds.addTo(server);
};
