import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import type { Health } from "./health.ts";
import type { Logger } from "./logger.ts";

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves what operators ask a process: /livez (is it running), /readyz (does it
 * serve) and /metrics (Prometheus).
 *
 * @param options.port 0 lets the system choose.
 * @throws the error of listen(), EADDRINUSE for one.
 */
export async function startAdminServer(options: {
  host: string;
  port: number;
  health: Health;
  metrics: Registry;
  logger: Logger;
}): Promise<AdminServer> {
  const { health, metrics, logger } = options;
  const pages = new Map<string | undefined, () => Promise<{ status: number; type?: string; body: string }>>([
    ["/livez", async () => ({ status: 200, body: "ok\n" })],
    ["/readyz", async () => (health.serving() ? { status: 200, body: "ok\n" } : { status: 503, body: notServing(health) })],
    ["/metrics", async () => ({ status: 200, type: metrics.contentType, body: await metrics.metrics() })],
  ]);

  const server = createServer(async (request, response) => {
    // Not new URL(): it throws for targets that anybody can send, such as "//".
    const path = request.url?.split("?")[0];
    const page = pages.get(path);
    if (page === undefined || (request.method !== "GET" && request.method !== "HEAD")) {
      response.writeHead(page === undefined ? 404 : 405).end();
      return;
    }
    const { status, type, body } = await page().catch((error: unknown) => {
      logger.error({ err: error, path }, "could not make a page");
      return { status: 500, type: undefined, body: "" };
    });
    response.writeHead(status, { "content-type": type ?? "text/plain; charset=utf-8", "cache-control": "no-store" });
    response.end(request.method === "HEAD" ? undefined : body);
  });
  server.requestTimeout = 5_000;
  server.headersTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function notServing(health: Health): string {
  const names = [...health.all()].filter(([name, serving]) => name !== "" && !serving).map(([name]) => name);
  return `not serving: ${names.join(", ")}\n`;
}
