import type { FastifyInstance } from "fastify";
import type { PagesDeps } from "./server.ts";
import { serviceDocument, Turns } from "./service-document.ts";

/** GET /services and GET /services/<name> */
export function serviceRoutes(app: FastifyInstance, { services, service }: Pick<PagesDeps, "services" | "service">): void {
  // Each has its turns: who looks at everything now and then must not disturb those who look one service up.
  const listTurns = new Turns();
  const turns = new Turns();

  app.get("/services", async (_request, reply) => {
    reply.header("cache-control", "no-store");
    return Object.fromEntries(services().map((one) => [one.name, serviceDocument(one, listTurns)]));
  });

  app.get<{ Params: { name: string } }>("/services/:name", async ({ params }, reply) => {
    reply.header("cache-control", "no-store");
    const found = service(params.name);
    if (found === undefined) return reply.status(404).send({ error: "Service not found" });
    return serviceDocument(found, turns);
  });
}
