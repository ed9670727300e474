import { jest } from "@jest/globals";
import { type Channel, createChannel, createClient, Status } from "nice-grpc";
import { Registry } from "prom-client";
import { HealthDefinition, HealthCheckResponse_ServingStatus as Serving } from "../gen/health/v1/health.ts";
import { meshServer } from "../interceptors/server/chain.ts";
import { LogLines } from "../test/support/log-lines.ts";
import { plaintext } from "../test/support/plaintext.ts";
import { Health } from "./health.ts";
import { createLogger } from "./logger.ts";

afterEach(() => jest.useRealTimers());

test("serves nothing before the first check", async () => {
  await using it = await serve();

  expect(await it.client.check({ service: "" })).toEqual({ status: Serving.NOT_SERVING });
});

test("reports a check that fails, and that it passes again", async () => {
  await using it = await serve();
  const seen: unknown[] = [];
  for (const failing of [false, true, false]) {
    it.failing = failing;
    await it.health.refresh();
    seen.push([await it.client.check({ service: "Orders" }), await it.client.check({ service: "" })].map(({ status }) => status));
  }

  expect(seen).toEqual([
    [Serving.SERVING, Serving.SERVING],
    [Serving.NOT_SERVING, Serving.NOT_SERVING],
    [Serving.SERVING, Serving.SERVING],
  ]);
  expect(it.logs.with({ msg: "health check failed" })).toMatchObject([{ level: 40, service: "Orders", reason: "Error: gone" }]);
});

test("logs once why a check fails from the beginning", async () => {
  await using it = await serve();
  it.failing = true;
  await it.health.refresh();
  await it.health.refresh();

  expect(it.logs.with({ msg: "health check failed" })).toMatchObject([{ level: 30, service: "Orders", reason: "Error: gone" }]);
});

test("answers NOT_FOUND to a check of a service that it does not have", async () => {
  await using it = await serve();

  await expect(it.client.check({ service: "Nothing" })).rejects.toMatchObject({ code: Status.NOT_FOUND });
});

test("lists every service and the process as a whole", async () => {
  await using it = await serve();
  await it.health.refresh();

  const { statuses } = await it.client.list({});

  expect(statuses).toEqual(new Map(["Orders", "Always", ""].map((name) => [name, { status: Serving.SERVING }])));
});

test("tells a watcher the status at once and after every change", async () => {
  await using it = await serve();
  await it.health.refresh();
  const statuses = watching(it.client.watch({ service: "Orders" }));

  expect(await statuses.next()).toBe(Serving.SERVING);
  for (const [failing, status] of [
    [true, Serving.NOT_SERVING],
    [false, Serving.SERVING],
  ] as const) {
    it.failing = failing;
    await it.health.refresh();
    expect(await statuses.next()).toBe(status);
  }
  await statuses.end();
});

test("tells a watcher nothing while nothing changes", async () => {
  await using it = await serve();
  await it.health.refresh();
  const statuses = watching(it.client.watch({ service: "Orders" }));
  await statuses.next();

  await it.health.refresh();
  it.health.stop();

  expect(await statuses.next()).toBe(Serving.NOT_SERVING);
  await statuses.end();
});

test("tells a watcher of an unknown service that it is unknown, and goes on", async () => {
  await using it = await serve();
  const statuses = watching(it.client.watch({ service: "Nothing" }));

  expect(await statuses.next()).toBe(Serving.SERVICE_UNKNOWN);
  await statuses.end();
});

test("misses no change that happens before the watcher looks again", async () => {
  const { health, switchTo } = unit();
  await switchTo(true);
  const statuses = health.watch("Orders", new AbortController().signal);

  expect((await statuses.next()).value).toBe(true);
  await switchTo(false);
  expect((await statuses.next()).value).toBe(false);
  await switchTo(true);
  await switchTo(false);
  await switchTo(true);
  expect((await statuses.next()).value).toBe(true);
});

test("stops to watch when the watcher leaves", async () => {
  const { health } = unit();
  const watcher = new AbortController();
  const statuses = health.watch("Orders", watcher.signal);
  await statuses.next();
  const next = statuses.next();

  watcher.abort();

  await expect(next).rejects.toMatchObject({ name: "AbortError" });
});

test("serves nothing any more once it has stopped, whatever the checks say", async () => {
  const { health, switchTo } = unit();
  await switchTo(true);

  health.stop();
  await health.refresh();

  expect([...health.all().values()]).toEqual([false, false]);
});

test("looks every two seconds, and four times a second while something is missing", async () => {
  jest.useFakeTimers();
  let checks = 0;
  let failing = false;
  const check = async () => {
    checks++;
    if (failing) throw new Error("gone");
  };
  const health = new Health({ Orders: check }, { logger: createLogger({ name: "h", level: "silent" }) });

  await health.start();
  expect(checks).toBe(1);
  await jest.advanceTimersByTimeAsync(1_999);
  expect(checks).toBe(1);
  failing = true;
  await jest.advanceTimersByTimeAsync(1);
  expect([checks, health.serving()]).toEqual([2, false]);
  failing = false;
  await jest.advanceTimersByTimeAsync(250);
  expect([checks, health.serving()]).toEqual([3, true]);
  health.stop();
  await jest.advanceTimersByTimeAsync(10_000);
  expect(checks).toBe(3);
});

test("takes a check for failed that does not answer in two seconds", async () => {
  jest.useFakeTimers();
  const health = new Health({ Orders: () => new Promise(() => {}) }, { logger: createLogger({ name: "h", level: "silent" }) });

  const refreshed = health.refresh();
  await jest.advanceTimersByTimeAsync(2_000);
  await refreshed;

  expect(health.serving("Orders")).toBe(false);
});

/** A real server whose check of "Orders" fails on demand. */
async function serve() {
  const logs = new LogLines();
  const logger = createLogger({ name: "health", level: "info", destination: logs });
  const state = { failing: false };
  const orders = async () => {
    if (state.failing) throw new Error("gone");
  };
  const health = new Health({ Orders: orders, Always: async () => {} }, { logger });
  const server = meshServer({
    ...{ logger, health, metrics: new Registry(), credentials: plaintext() },
    ...{ maxCallsInFlight: 10, maxOpenStreams: 10 },
  });
  const channel: Channel = createChannel(`127.0.0.1:${await server.listen("127.0.0.1:0")}`);
  return Object.assign(state, {
    health,
    logs,
    client: createClient(HealthDefinition, channel),
    async [Symbol.asyncDispose]() {
      channel.close();
      server.forceShutdown();
      await server.drain();
    },
  });
}

/** Health alone, with one check. */
function unit() {
  let serving = false;
  const check = async () => {
    if (!serving) throw new Error("gone");
  };
  const health = new Health({ Orders: check }, { logger: createLogger({ name: "h", level: "silent" }) });
  const switchTo = async (value: boolean) => {
    serving = value;
    await health.refresh();
  };
  return { health, switchTo };
}

function watching(stream: AsyncIterable<{ status: Serving }>) {
  const iterator = stream[Symbol.asyncIterator]();
  return {
    next: async () => (await iterator.next()).value?.status,
    end: async () => void (await iterator.return?.()),
  };
}
