import { Registry } from "prom-client";
import type { Subscription } from "../../../../gen/mesh/registry/v1/registry_service.ts";
import { type MeshServer, meshServer } from "../../../../interceptors/server/chain.ts";
import { Health } from "../../../../runtime/health.ts";
import { createLogger } from "../../../../runtime/logger.ts";
import { plaintext } from "../../../../test/support/plaintext.ts";
import { XdsServer, type XdsServerOptions } from "../xds-server.ts";
import { LISTENER, RawClient, type Received } from "./raw-client.ts";
import { routed } from "./routed.ts";

/** Services that every registry of a test has besides its own. */
export const FENCES = ["fence-1", "fence-2"] as const;

/** A server with xDS behind the real chain on a free port, and one client of it. */
export interface TestRegistry extends AsyncDisposable {
  readonly xds: XdsServer;
  readonly server: MeshServer;
  readonly client: RawClient;
  /** "host:port" */
  readonly address: string;
  readonly port: number;
  /**
   * Waits until everything that was said so far has been dealt with.
   *
   * @param type one that the test does not use otherwise: it asks for resources of it.
   * @returns what the client has received meanwhile.
   */
  quiet(type?: typeof LISTENER | Received["type"]): Promise<readonly Received[]>;
  /** What the registry shows of the first client. */
  subscriptionTo(shortName: string): Subscription | undefined;
}

/** @param names services with one endpoint each. @returns to be bound with `await using`. */
export async function startRegistry(
  logs: { write(line: string): void },
  names: readonly string[],
  options: Omit<XdsServerOptions, "logger"> & { port?: number } = {},
): Promise<TestRegistry> {
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const health = new Health({}, { logger });
  const server = meshServer({
    ...{ logger, metrics: new Registry(), health, credentials: plaintext() },
    ...{ maxCallsInFlight: 100, maxOpenStreams: 100 },
  });
  const xds = new XdsServer({ logger, ...options });
  xds.addTo(server);
  for (const name of [...names, ...FENCES]) xds.update(routed(name));
  const port = await server.listen(`127.0.0.1:${options.port ?? 0}`);
  const address = `127.0.0.1:${port}`;
  const client = new RawClient(address);
  return {
    ...{ xds, server, client, address, port },
    async quiet(type = LISTENER) {
      const received: Received[] = [];
      // What is sent in answer to the first has been sent before the second is answered.
      for (const fence of FENCES) {
        client.subscribe(type, [fence]);
        let response = await client.next();
        while (response.type !== type || !response.names.includes(fence)) {
          received.push(response);
          response = await client.next();
        }
        client.accept(response, [fence]);
      }
      return received;
    },
    subscriptionTo: (shortName) => xds.clients()[0]?.subscriptions.find(({ type }) => type === shortName),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      xds.close();
      server.forceShutdown();
    },
  };
}
