import helmet from "@fastify/helmet";
import { type FastifyInstance, fastify } from "fastify";
import type { JWK } from "jose";
import type { VerifyUserToken } from "../../../runtime/end-user.ts";
import { answerError } from "../../../runtime/http/errors.ts";
import { WEB_LIMITS } from "../../../runtime/http/limits.ts";
import { unknownRoutes } from "../../../runtime/http/unknown-routes.ts";
import type { Logger } from "../../../runtime/logger.ts";
import type { SessionStore } from "../session.ts";
import type { SignIn } from "../session-handler.ts";
import type { UserStore } from "../user.ts";
import { signInRoutes } from "./sign-in.ts";
import { userRoutes } from "./users.ts";

export interface HttpDeps {
  store: Pick<UserStore, "get"> & { sessions: Pick<SessionStore, "end"> };
  signIn: SignIn;
  verifyUserToken: VerifyUserToken;
  keys: { jwks(): JWK[] };
  logger: Logger;
}

const MAX_BODY_BYTES = 4_096;
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
    ...WEB_LIMITS,
    bodyLimit: MAX_BODY_BYTES,
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
