import helmet from "@fastify/helmet";
import fastifyStatic from "@fastify/static";
import { type FastifyInstance, fastify } from "fastify";
import type { Instance } from "../../../gen/mesh/registry/v1/instance.ts";
import type { ClientState, RegistryState, ServiceState } from "../../../gen/mesh/registry/v1/registry_service.ts";
import { answerError } from "../../../runtime/http/errors.ts";
import { WEB_LIMITS } from "../../../runtime/http/limits.ts";
import { unknownRoutes } from "../../../runtime/http/unknown-routes.ts";
import type { Logger } from "../../../runtime/logger.ts";
import { dashboardRoute } from "./html/dashboard.ts";
import { registrationRoute } from "./registration.ts";
import { hostResolver } from "./resolve-host.ts";
import { serviceRoutes } from "./services.ts";

export interface PagesDeps {
  /** All services now, by name, as ListServices says them. */
  services(): readonly ServiceState[];
  /** One of them; undefined if there is none by that name. */
  service(name: string): ServiceState | undefined;
  registry(): RegistryState;
  clients(): readonly ClientState[];
  /**
   * Registers an instance that keeps no lease: it is asked for its health until it is registered anew or deregistered.
   *
   * The rules of the contract have been kept already, and the instance names its address.
   *
   * @param observedAddress the IP address of who has asked for it.
   * @returns the id of the instance.
   * @throws Failure as Register does.
   */
  register(instance: Instance, observedAddress: string): string;
  /** The IP address behind a host name. The default asks the system. @throws Failure if there is none. */
  resolve?(host: string): Promise<string>;
  logger: Logger;
}

const MAX_BODY_BYTES = 16_384;
const MOST_CONNECTIONS = 256;

/** The web server of the registry: a page for people, JSON for programs. Not listening yet; the caller closes it. */
export async function pages(deps: PagesDeps): Promise<FastifyInstance> {
  const { logger } = deps;
  const app = fastify({
    ...WEB_LIMITS,
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: 8_192 },
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
  app.addHook("onResponse", async (request, reply) => {
    const path = `${request.method} ${request.routeOptions.url ?? "(no route)"}`;
    const durationMs = Math.round(reply.elapsedTime * 1_000) / 1_000;
    // Who looks at the page asks again and again.
    logger.debug({ path, peer: request.ip, status: reply.statusCode, durationMs }, "page served");
  });
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Whoever puts TLS in front says so there; over plain HTTP browsers ignore it.
    strictTransportSecurity: false,
    referrerPolicy: { policy: "no-referrer" },
  });
  unknownRoutes(app);
  await app.register(fastifyStatic, { root: new URL("./public", import.meta.url), prefix: "/assets/", maxAge: "5m" });
  dashboardRoute(app, deps);
  registrationRoute(app, { ...deps, resolve: deps.resolve ?? hostResolver() });
  serviceRoutes(app, deps);
  return app;
}
