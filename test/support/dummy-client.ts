import { type CallContext, type Channel, createChannel, createClient } from "nice-grpc";
import { Registry } from "prom-client";
import {
  type EchoRequest,
  type EchoServiceClient,
  EchoServiceDefinition,
  type EchoServiceImplementation,
  HurriedEchoServiceDefinition,
} from "../../gen/bookmesh/testing/v1/echo_service.ts";
import {
  AdministratorEchoServiceDefinition,
  GuardedEchoServiceDefinition,
  UserEchoServiceDefinition,
} from "../../gen/bookmesh/testing/v1/guarded_echo_service.ts";
import { type ClientCallOptions, clientFactory } from "../../interceptors/client/chain.ts";
import { type MeshServer, meshServer } from "../../interceptors/server/chain.ts";
import type { VerifyUserToken } from "../../runtime/end-user.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger, type Logger } from "../../runtime/logger.ts";
import type { Security } from "../../runtime/security.ts";
import type { FourKindsClient } from "./four-kinds.ts";
import { LogLines } from "./log-lines.ts";
import { plaintext } from "./plaintext.ts";

/** What a handler does instead of echoing a text. */
export type SpecialCase = (text: string, context: CallContext) => string | Promise<string>;

/** A special case that throws. */
export function raises(error: unknown): SpecialCase {
  return () => {
    throw error;
  };
}

/** A real server behind the real chain on a free port, and real clients of it. */
export interface Dummy extends AsyncDisposable {
  /** A client with the chain of every client. */
  readonly client: EchoServiceClient<ClientCallOptions>;
  /** A client as a foreign program has it: no deadline, no trace. */
  readonly plain: EchoServiceClient;
  /** A client, likewise plain, of the service whose methods have 50 ms. */
  readonly hurried: FourKindsClient;
  readonly channel: Channel;
  readonly server: MeshServer;
  readonly health: Health;
  readonly metrics: Registry;
  readonly logger: Logger;
  /** What server and client logged. Each handler writes "handling" when it begins and "handled" when it ends. */
  readonly logs: LogLines;
  readonly port: number;
}

export interface DummyOptions {
  maxCallsInFlight?: number;
  maxOpenStreams?: number;
  maxConnectionsPerCaller?: number;
  maxMessageMemoryBytes?: number;
  /** The default is plaintext(). */
  credentials?: Security;
  /** Whose access tokens it takes. With it, it serves the guarded services too. */
  verifyUserToken?: VerifyUserToken;
  /** Runs at the beginning of every handler. */
  inHandler?: (context: CallContext) => void;
  /** The default is 0: a free one. */
  port?: number;
}

/**
 * Starts a server that echoes what it is asked, and clients of it.
 *
 * @param specialCases by the text of the request.
 * @returns to be bound with `await using`, which ends it all.
 */
export async function dummyClient(specialCases: Record<string, SpecialCase> = {}, options: DummyOptions = {}): Promise<Dummy> {
  const logs = new LogLines();
  const logger = createLogger({ name: "dummy", level: "debug", destination: logs });
  const metrics = new Registry();
  const health = new Health({ [EchoServiceDefinition.fullName]: async () => {} }, { logger });
  const { maxCallsInFlight = 100, maxOpenStreams = 100, port: askedPort = 0, credentials = plaintext() } = options;
  const { verifyUserToken } = options;
  const server = meshServer({
    ...{ logger, metrics, health, credentials, maxCallsInFlight, maxOpenStreams },
    ...(verifyUserToken && { verifyUserToken }),
    ...(options.maxConnectionsPerCaller && { maxConnectionsPerCaller: options.maxConnectionsPerCaller }),
    ...(options.maxMessageMemoryBytes && { maxMessageMemoryBytes: options.maxMessageMemoryBytes }),
  });
  const implementation = echo({ specialCases, logger, inHandler: options.inHandler });
  server.add(EchoServiceDefinition, implementation);
  server.add(HurriedEchoServiceDefinition, implementation);
  if (verifyUserToken !== undefined) {
    server.add(GuardedEchoServiceDefinition, implementation);
    server.add(UserEchoServiceDefinition, implementation);
    server.add(AdministratorEchoServiceDefinition, implementation);
  }
  const port = await server.listen(`127.0.0.1:${askedPort}`);
  await health.start();

  const channel = createChannel(`127.0.0.1:${port}`, credentials.channel("dummy"));
  return {
    client: clientFactory({ logger }).create(EchoServiceDefinition, channel),
    plain: createClient(EchoServiceDefinition, channel),
    hurried: createClient(HurriedEchoServiceDefinition, channel),
    channel,
    server,
    health,
    metrics,
    logger,
    logs,
    port,
    async [Symbol.asyncDispose]() {
      channel.close();
      health.stop();
      server.forceShutdown();
      await server.drain();
    },
  };
}

/** The handlers of the dummy, for a server with another chain. */
export function echo(options: {
  specialCases: Record<string, SpecialCase>;
  logger: Logger;
  inHandler?: DummyOptions["inHandler"] | undefined;
}): EchoServiceImplementation {
  const { specialCases, logger, inHandler } = options;
  const answer = async ({ text }: EchoRequest, context: CallContext) => ({
    text: (await specialCases[text]?.(text, context)) ?? text,
  });
  const handle = (context: CallContext): Disposable => {
    logger.info("handling");
    inHandler?.(context);
    return { [Symbol.dispose]: () => logger.info("handled") };
  };
  const unary = async (request: EchoRequest, context: CallContext) => {
    using _ = handle(context);
    return await answer(request, context);
  };
  return {
    unary,
    idempotentUnary: unary,
    async clientStreaming(requests, context) {
      using _ = handle(context);
      const texts: string[] = [];
      for await (const request of requests) texts.push((await answer(request, context)).text);
      return { text: texts.join(" ") };
    },
    async *serverStreaming(request, context) {
      using _ = handle(context);
      for (let sent = 0; sent < Math.max(1, request.copies); sent++) yield await answer(request, context);
    },
    async *bidiStreaming(requests, context) {
      using _ = handle(context);
      for await (const request of requests) {
        for (let sent = 0; sent < Math.max(1, request.copies); sent++) yield await answer(request, context);
      }
    },
  };
}
