import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { Registry } from "prom-client";
import { LogLines } from "../test/support/log-lines.ts";
import { startAdminServer } from "./admin.ts";
import { Health } from "./health.ts";
import { createLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";

test("says that the process lives, though it does not serve", async () => {
  await using admin = await serve({ store: async () => Promise.reject(new Error("gone")) });

  expect(await admin.get("/livez")).toMatchObject({ status: 200, body: "ok\n" });
});

test("says whether the process is ready, and what is missing", async () => {
  let failing = true;
  const store = async () => {
    if (failing) throw new Error("gone");
  };
  await using admin = await serve({ store, other: async () => {} });

  expect(await admin.get("/readyz")).toMatchObject({ status: 503, body: "not serving: store\n" });
  failing = false;
  await admin.health.refresh();
  expect(await admin.get("/readyz")).toMatchObject({ status: 200, body: "ok\n" });
});

test("is not ready before the first check, and not once it stops", async () => {
  await using admin = await serve({ store: async () => {} });
  admin.health.stop();

  expect(await admin.get("/readyz")).toMatchObject({ status: 503 });
});

test("shows the metrics of the process as Prometheus reads them", async () => {
  await using admin = await serve({}, createMetrics("orders"));

  const { status, type, body } = await admin.get("/metrics");

  expect([status, type]).toEqual([200, expect.stringContaining("version=0.0.4")]);
  expect(body).toMatch(/^nodejs_eventloop_lag_p99_seconds\{service="orders"\}/m);
});

test("answers HEAD without a body", async () => {
  await using admin = await serve({});

  expect(await admin.get("/livez", "HEAD")).toMatchObject({ status: 200, body: "" });
});

test("knows no other page", async () => {
  await using admin = await serve({});

  expect(await admin.get("/")).toMatchObject({ status: 404 });
  expect(await admin.get("/livez/more")).toMatchObject({ status: 404 });
  expect(await admin.get("/livez?verbose")).toMatchObject({ status: 200 });
});

test.each(["POST", "PUT", "DELETE"])("lets nobody %s", async (method) => {
  await using admin = await serve({});

  expect(await admin.get("/metrics", method)).toMatchObject({ status: 405 });
});

test.each(["//", "http://[", "*", "/%", "/../livez"])("answers 404 to the target %s, which is no path", async (target) => {
  await using admin = await serve({});
  const socket = connect(admin.port, "127.0.0.1");

  socket.end(`GET ${target} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n`);

  expect(await text(socket)).toMatch(/^HTTP\/1\.1 404 /);
});

test("answers 500 when a metric cannot be read, and lives on", async () => {
  const metrics = new Registry();
  metrics.metrics = async () => Promise.reject(new Error("a secret"));
  await using admin = await serve({}, metrics);

  const { status, body } = await admin.get("/metrics");

  expect(status).toBe(500);
  expect(body).not.toContain("secret");
});

test("says so when its port is taken", async () => {
  await using admin = await serve({});

  await expect(serve({}, undefined, admin.port)).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("closes at once, though a monitor keeps its connection open", async () => {
  const admin = await serve({});
  const socket = connect(admin.port, "127.0.0.1");
  await once(socket, "connect");

  await admin[Symbol.asyncDispose]();

  await once(socket, "close");
});

/** An admin server on a free port whose checks have run once. */
async function serve(checks: ConstructorParameters<typeof Health>[0], metrics = new Registry(), port = 0) {
  const logger = createLogger({ name: "admin", level: "info", destination: new LogLines() });
  const health = new Health(checks, { logger });
  await health.refresh();
  const server = await startAdminServer({ host: "127.0.0.1", port, health, metrics, logger });
  return {
    health,
    port: server.port,
    async get(path: string, method = "GET") {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
      return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}
