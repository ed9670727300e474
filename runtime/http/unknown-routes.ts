import { URLPattern } from "node:url";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/**
 * Answers what no route is for: with 405 where another method would do, else with 404.
 *
 * It knows the routes that are added after it.
 */
export function unknownRoutes(app: FastifyInstance): void {
  const routes = new Map<string, { pattern: URLPattern; methods: Set<string> }>();

  app.addHook("onRoute", ({ url, method }) => {
    const route = routes.get(url) ?? { pattern: new URLPattern({ pathname: url }), methods: new Set() };
    for (const one of [method].flat()) route.methods.add(one);
    routes.set(url, route);
  });

  const answer = (request: FastifyRequest, reply: FastifyReply) => {
    const pathname = request.url.split("?", 1)[0] ?? "";
    const methods = [...routes.values()]
      .filter(({ pattern }) => pattern.test({ pathname }))
      .flatMap((route) => [...route.methods]);
    if (methods.length === 0 || methods.includes(request.method)) return reply.status(404).send({ error: "Not found" });
    return reply.status(405).header("allow", methods.join(", ")).send({ error: "Method not allowed" });
  };
  // Before the body is looked at: what is wrong with it does not matter then.
  app.addHook("onRequest", async (request, reply) => {
    if (request.is404) return answer(request, reply);
  });
  app.setNotFoundHandler(answer);
}
