import type { ChannelCredentials } from "@grpc/grpc-js";
import { Registry } from "prom-client";
import { meshServer } from "../../interceptors/server/chain.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { LogLines } from "../support/log-lines.ts";
import { InteropServiceDefinition, interopHandler } from "./service.ts";
import { openTransport, type TransportName } from "./transports.ts";

/** A server of the interoperability tests, behind the chain of every service. */
export interface InteropServer extends AsyncDisposable {
  readonly port: number;
  /** "localhost:port" */
  readonly address: string;
  /** For a grpc-js client. */
  readonly credentials: ChannelCredentials;
  /** For other clients: where ca.crt, tls.crt and tls.key are; undefined in plaintext. */
  readonly credentialsFolder: string | undefined;
}

/** Starts a server on a free port. @returns to be bound with `await using`, which ends it. */
export async function startInteropServer(transportName: TransportName): Promise<InteropServer> {
  const logger = createLogger({ name: "interop", level: "debug", destination: new LogLines() });
  const health = new Health({ [InteropServiceDefinition.fullName]: async () => {} }, { logger });
  const transport = await openTransport(transportName, { logger });
  const limits = { maxCallsInFlight: 100, maxOpenStreams: 100 };
  const server = meshServer({ logger, metrics: new Registry(), health, credentials: transport.server, ...limits });
  server.add(InteropServiceDefinition, interopHandler);
  const port = await server.listen("127.0.0.1:0");
  await health.start();
  return {
    port,
    address: `localhost:${port}`,
    credentials: transport.client,
    credentialsFolder: transport.clientFolder,
    async [Symbol.asyncDispose]() {
      health.stop();
      server.forceShutdown();
      await server.drain();
      await transport[Symbol.asyncDispose]();
    },
  };
}
