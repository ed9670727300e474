import { isIP } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Instance } from "../../../gen/mesh/registry/v1/instance.ts";
import { Failure } from "../../../runtime/errors.ts";
import { inFieldsOfBody, parseRegistration } from "./registration-body.ts";
import type { PagesDeps } from "./server.ts";

/** POST /register */
export function registrationRoute(
  app: FastifyInstance,
  deps: Required<Pick<PagesDeps, "register" | "resolve" | "logger">>,
): void {
  app.post("/register", async (request, reply) => {
    // A page that a browser shows has no business here, whatever name the browser knows this address by.
    if (request.headers.origin !== undefined) throw new Failure("denied", "Services register, and no web pages");
    const { instance, host } = parseRegistration(request.body);
    const address = await addressOf(host, deps.resolve);
    const id = register(deps, { ...instance, address }, request.ip);
    deps.logger.info({ instance: id, service: instance.service, peer: request.ip }, "an instance has registered by HTTP");
    return reply.status(201).send({ message: "Service registered" });
  });
}

async function addressOf(host: string, resolve: PagesDeps["resolve"] & {}): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return await resolve(host);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { kind, message, retryAfterMs } = error;
    throw new Failure(kind, `url: ${message}`, retryAfterMs === undefined ? { cause: error } : { cause: error, retryAfterMs });
  }
}

function register(deps: Pick<PagesDeps, "register">, instance: Instance, observedAddress: string): string {
  try {
    return deps.register(instance, observedAddress);
  } catch (error) {
    throw error instanceof Failure ? inFieldsOfBody(error) : error;
  }
}
