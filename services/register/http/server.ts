import helmet from "@fastify/helmet";
import { type FastifyInstance, fastify } from "fastify";
import type { JWK } from "jose";
import type { VerifyUserToken } from "../../../runtime/end-user.ts";
import type { Logger } from "../../../runtime/logger.ts";
import type { SignIn } from "../session-handler.ts";
import type { UserStore } from "../user.ts";
import { answerError } from "./errors.ts";
import { signInRoutes } from "./sign-in.ts";
import { unknownRoutes } from "./unknown-routes.ts";
import { userRoutes } from "./users.ts";

export interface HttpDeps {
  store: Pick<UserStore, "get">;
  signIn: SignIn;
  verifyUserToken: VerifyUserToken;
  keys: { jwks(): JWK[] };
  logger: Logger;
}

const MAX_BODY_BYTES = 4_096;
/** How long a client may take to send the head of a request. */
const HEAD_MS = 3_000;
/** How long it may take to send all of it: bodies are small. */
const REQUEST_MS = 6_000;
/** How long a connection may be silent, also while it does not read what it has asked for. */
const SILENCE_MS = 15_000;
/** How long a connection waits for the next request. */
const KEEP_ALIVE_MS = 5_000;
/** More than passwords may wait: who is refused for that should hear of it. */
const MOST_CONNECTIONS = 1_024;

/**
 * Sign-in for programs that speak no gRPC. Not listening yet; the caller closes it.
 *
 * Whoever connects counts as the client: behind a proxy all its clients are
 * limited together, and the gateway is the better door.
 */
export async function httpServer(deps: HttpDeps): Promise<FastifyInstance> {
  const { logger } = deps;
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_MS,
    connectionTimeout: SILENCE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Node looks for requests that take too long every 30 seconds unless it is told.
    http: { headersTimeout: HEAD_MS, connectionsCheckingInterval: 500, maxHeaderSize: 8_192 },
    forceCloseConnections: "idle",
    // What is wrong with an address is found before any hook is called: it has no headers of helmet's.
    frameworkErrors: (error, _request, reply) => {
      reply.header("x-content-type-options", "nosniff");
      answerError(error, reply, logger);
    },
  });
  app.server.maxConnections = MOST_CONNECTIONS;
  // Browsers send text/plain across sites without asking first.
  app.removeContentTypeParser("text/plain");

  app.setErrorHandler((error, _request, reply) => answerError(error, reply, logger));
  app.addHook("onRequest", async (_request, reply) => {
    // Tokens and names; the keys alone may be kept, and say so.
    reply.header("cache-control", "no-store");
  });
  app.addHook("onResponse", async (request, reply) => {
    const path = `${request.method} ${request.routeOptions.url ?? "(no route)"}`;
    const durationMs = Math.round(reply.elapsedTime * 1_000) / 1_000;
    logger.info({ path, peer: request.ip, status: reply.statusCode, durationMs }, "page served");
  });
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] },
    },
    // Whoever puts TLS in front says so there; over plain HTTP browsers ignore it.
    strictTransportSecurity: false,
    referrerPolicy: { policy: "no-referrer" },
  });
  unknownRoutes(app);
  signInRoutes(app, deps);
  userRoutes(app, deps);
  return app;
}
