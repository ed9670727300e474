import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { meshServer } from "../../interceptors/server/chain.ts";
import { readConfig } from "../../runtime/config.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { start } from "../../runtime/run.ts";
import { configSchema } from "../../services/registry/config.ts";
import { createRegistry, type DataPlane } from "../../services/registry/registry.ts";
import { openRegistryStore } from "../../services/registry/store.ts";
import { XdsServer } from "../../services/registry/xds/xds-server.ts";
import { plaintext } from "../../test/support/plaintext.ts";
import { answerParent, nowMs } from "./child.ts";
import { type Change, INSTANCES_A_SERVICE, instanceOf, serviceName } from "./fleet.ts";

// A registry as services/registry/main.ts makes it. Only its instances are not
// there: they are registered without a stream, never expire, and are always well.

export type RegistryRequest =
  /** Registers all instances of so many services. */
  | { readonly kind: "register"; readonly services: number }
  /** Makes the changes, one after the other, spread over the time. */
  | { readonly kind: "change"; readonly changes: readonly Change[]; readonly overMs: number }
  /** Waits until all clients have accepted what they were told of the service. */
  | { readonly kind: "settle"; readonly service: number }
  | { readonly kind: "usage" }
  | { readonly kind: "memory" };

export interface Listening {
  readonly port: number;
}

/** When the last change was made. */
export interface Changed {
  readonly atMs: number;
}

export interface Settled {
  readonly atMs: number;
}

export interface Usage {
  readonly atMs: number;
  /** CPU time of the process so far, user and system. */
  readonly cpuMs: number;
  /** The longest time since the last question in which nothing else could be done. */
  readonly blockedMs: number;
}

/** In bytes, after a collection of garbage. */
export interface Memory {
  readonly rss: number;
  /** The most there ever was, the garbage included. */
  readonly highestRss: number;
  readonly heap: number;
  /** Buffers, which are not in the heap. */
  readonly buffers: number;
}

/** Longer than the run. */
const LEASE_MS = 3_600_000;
/** How often changes that are spread are made. */
const STEP_MS = 10;
const BLOCKED_RESOLUTION_MS = 10;

const config = readConfig(configSchema, { DATABASE_URL: "sqlite::memory:", REGISTRIES: "none" });
const logger = createLogger({ name: "registry", level: config.logLevel });
const metrics = createMetrics("registry");
const store = await openRegistryStore(config.databaseUrl, logger);
const xds = new XdsServer({ logger, ...config });
/** How many endpoints of each service the clients are told of. */
const told = new Map<string, number>();
const dataPlane: DataPlane = {
  update(service) {
    xds.update(service);
    told.set(service.name, service.endpoints.length);
  },
  settled: (service) => xds.settled(service),
  clients: () => xds.clients(),
};
const registry = await createRegistry({
  ...config,
  ...{
    id: "registry",
    description: "a registry under load",
    store,
    dataPlane,
    credentials: plaintext(),
    logger,
    leaseMs: LEASE_MS,
  },
  asker: { ask: async () => ({ health: "healthy", problem: "" }), release() {}, close() {} },
});
const health = new Health({}, { logger });
const server = meshServer({ logger, metrics, health, credentials: plaintext(), ...config });
registry.add(server);
xds.addTo(server);
const running = await start({ ...config, server, port: 0, adminPort: 0, health, metrics, logger, closers: [] });
const delay = monitorEventLoopDelay({ resolution: BLOCKED_RESOLUTION_MS });
delay.enable();

answerParent<RegistryRequest>({ port: running.port } satisfies Listening, async (request) => {
  switch (request.kind) {
    case "register":
      return register(request.services);
    case "change":
      return change(request.changes, request.overMs);
    case "settle":
      await xds.settled(serviceName(request.service));
      return { atMs: nowMs() } satisfies Settled;
    case "usage":
      return usage();
    case "memory":
      return memory();
  }
});

async function register(services: number): Promise<object> {
  for (let service = 0; service < services; service++) {
    for (let i = 0; i < INSTANCES_A_SERVICE; i++) registry.catalog.register(instanceOf(service, i));
  }
  const isTold = (service: number) => told.get(serviceName(service)) === INSTANCES_A_SERVICE;
  while (!Array.from({ length: services }, (_, service) => service).every(isTold)) await pause(STEP_MS);
  return {};
}

async function change(changes: readonly Change[], overMs: number): Promise<Changed> {
  const steps = Math.max(1, Math.floor(overMs / STEP_MS));
  const startedAtMs = nowMs();
  for (let step = 0, made = 0; step < steps; step++) {
    const waitMs = startedAtMs + step * STEP_MS - nowMs();
    if (waitMs > 0) await pause(waitMs);
    for (; made < ((step + 1) * changes.length) / steps; made++) make(changes[made]);
  }
  return { atMs: nowMs() };
}

function make(change: Change | undefined): void {
  if (change === undefined) return;
  const instance = instanceOf(change.service, change.instance);
  if (change.present) registry.catalog.register(instance);
  else registry.catalog.remove(instance.id);
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const blockedMs = Math.max(0, delay.max / 1_000_000 - BLOCKED_RESOLUTION_MS);
  delay.reset();
  return { atMs: nowMs(), cpuMs: (user + system) / 1_000, blockedMs };
}

function memory(): Memory {
  globalThis.gc?.();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { rss, highestRss: process.resourceUsage().maxRSS * 1_024, heap: heapUsed, buffers: arrayBuffers };
}
