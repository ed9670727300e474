import type { FastifyInstance } from "fastify";
import type { PagesDeps } from "../server.ts";
import { layout } from "./layout.ts";
import { overview } from "./overview.ts";

/** However many look, and however often, the page is made anew no more often than this. */
const FRESH_MS = 1_000;

/** GET / */
export function dashboardRoute(app: FastifyInstance, deps: Pick<PagesDeps, "services" | "registry" | "clients">): void {
  let madeAtMs = Number.NEGATIVE_INFINITY;
  // As bytes, which all who are slow to read it have in common.
  let page = Buffer.alloc(0);

  app.get("/", async (_request, reply) => {
    const nowMs = performance.now();
    if (nowMs - madeAtMs >= FRESH_MS) {
      const state = { registry: deps.registry(), services: deps.services(), clients: deps.clients(), now: new Date() };
      page = Buffer.from(layout(overview(state)));
      madeAtMs = nowMs;
    }
    return reply.type("text/html; charset=utf-8").header("cache-control", "no-store").send(page);
  });
}
