// What the tests of the registry have in common: a registry behind the real
// chain on a free port, and a clock to turn.
import { type Channel, Metadata } from "nice-grpc";
import type { DestinationStream } from "pino";
import { Registry as Metrics } from "prom-client";
import { type RegistryClient, registryClient, type TrafficClient, trafficClient } from "../../clients/registry.ts";
import type { ClientState } from "../../gen/mesh/registry/v1/registry_service.ts";
import { type MeshServer, meshServer } from "../../interceptors/server/chain.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger, type Logger } from "../../runtime/logger.ts";
import { CALLER_HEADER, openPlaintextChannel, plaintext } from "../../test/support/plaintext.ts";
import type { Clock } from "./catalog.ts";
import { createRegistry, type DataPlane, type Registry, type RegistryOptions } from "./registry.ts";
import type { RoutedService } from "./routing.ts";
import { openRegistryStore, type RegistryStore } from "./store.ts";

/** Time that passes when it is told to. */
export class ManualClock implements Clock {
  #elapsedMs = 0;

  elapsedMs(): number {
    return this.#elapsedMs;
  }

  now(): Date {
    return new Date(Date.UTC(2030, 0, 1) + this.#elapsedMs);
  }

  /** Lets time pass, as a registry sees it that looks at its leases all the while. */
  pass(ms: number, catalog: { sweep(): void }): void {
    for (let left = ms; left > 0; left -= 200) {
      this.#elapsedMs += Math.min(left, 200);
      catalog.sweep();
    }
  }

  /** Lets time pass in which nothing happens. */
  jump(ms: number): void {
    this.#elapsedMs += ms;
  }
}

/** A data plane that remembers what it is told. */
export class RecordingDataPlane implements DataPlane {
  readonly updates: RoutedService[] = [];
  readonly connected: ClientState[] = [];
  /** What a drain waits for. */
  settling: Promise<void> = Promise.resolve();
  readonly #waiting = new Set<() => void>();

  update(service: RoutedService): void {
    this.updates.push(service);
    for (const look of this.#waiting) look();
  }

  settled(): Promise<void> {
    return this.settling;
  }

  clients(): readonly ClientState[] {
    return this.connected;
  }

  /** What clients of a service know now. */
  last(service: string): RoutedService | undefined {
    return this.updates.findLast(({ name }) => name === service);
  }

  /** What clients of a service know, as soon as it is like this. */
  until(service: string, holds: (routed: RoutedService) => boolean): Promise<RoutedService> {
    return new Promise((resolve) => {
      const look = () => {
        const last = this.last(service);
        if (last === undefined || !holds(last)) return;
        this.#waiting.delete(look);
        resolve(last);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** The ports of the endpoints of a service, as soon as they are these. */
  async untilPorts(service: string, ...ports: number[]): Promise<RoutedService> {
    const wanted = ports.toSorted().join();
    return this.until(
      service,
      ({ endpoints }) =>
        endpoints
          .map(({ port }) => port)
          .toSorted()
          .join() === wanted,
    );
  }
}

/** A registry behind the real chain on a free port. Only time and the clients are not real. */
export interface TestRegistry extends AsyncDisposable {
  readonly client: RegistryClient;
  readonly traffic: TrafficClient;
  readonly registry: Registry;
  readonly store: RegistryStore;
  readonly dataPlane: RecordingDataPlane;
  readonly clock: ManualClock;
  readonly server: MeshServer;
  readonly channel: Channel;
  readonly logger: Logger;
  readonly port: number;
  /** "host:port" */
  readonly address: string;
  /** Lets time pass. */
  pass(ms: number): void;
}

export interface TestRegistryOptions extends Partial<RegistryOptions> {
  /** The store. */
  url: string;
  /** Where the registry, its server and its clients log to. */
  logs?: DestinationStream;
}

/** A client that registers each service as if it had the certificate of that service. */
function asOwner(client: RegistryClient, { catalog }: Registry): RegistryClient {
  const as = (service = "operator") => ({ metadata: Metadata().set(CALLER_HEADER, service || "operator") });
  return {
    ...client,
    register: (request, options) => client.register(request, { ...as(request.instance?.service), ...options }),
    heartbeat: (request, options) =>
      client.heartbeat(request, { ...as(catalog.find(request.instanceId ?? "")?.service), ...options }),
    deregister: (request, options) =>
      client.deregister(request, { ...as(catalog.find(request.instanceId ?? "")?.service), ...options }),
  };
}

const NOWHERE: DestinationStream = { write() {} };

/** @returns to be bound with `await using`, which cuts every call and ends it. */
export async function startRegistry({ url, logs = NOWHERE, ...options }: TestRegistryOptions): Promise<TestRegistry> {
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const store = await openRegistryStore(url, logger);
  const clock = new ManualClock();
  const dataPlane = new RecordingDataPlane();
  const registry = await createRegistry({
    ...{ id: "registry", description: "a test", store, dataPlane, credentials: plaintext(), logger, clock },
    ...{ leaseMs: 10_000, probeIntervalMs: 10_000, pollIntervalMs: 20 },
    ...options,
  });
  const health = new Health({}, { logger });
  const server = meshServer({
    ...{ logger, metrics: new Metrics(), health, credentials: plaintext("operator") },
    ...{ maxCallsInFlight: 10_000, maxOpenStreams: 10_000 },
  });
  registry.add(server);
  const port = await server.listen("127.0.0.1:0");
  const address = `127.0.0.1:${port}`;
  const channel = openPlaintextChannel(address);
  return {
    ...{ registry, store, dataPlane, clock, server, channel, logger, port, address },
    client: asOwner(registryClient(channel, logger), registry),
    traffic: trafficClient(channel, logger),
    pass: (ms) => clock.pass(ms, registry.catalog),
    async [Symbol.asyncDispose]() {
      channel.close();
      server.forceShutdown();
      registry.close();
      await store.close();
    },
  };
}
