// What the tests of the registry have in common: a registry behind the real
// chain on a free port, instances to register with it, and a clock to turn.
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Channel } from "nice-grpc";
import type { DestinationStream } from "pino";
import { Registry as Metrics } from "prom-client";
import { openChannel } from "../../clients/channel.ts";
import { type RegistryClient, registryClient, type TrafficClient, trafficClient } from "../../clients/registry.ts";
import type { Instance } from "../../gen/mesh/registry/v1/instance.ts";
import type {
  ClientState,
  DeepPartial,
  HoldLeaseRequest,
  HoldLeaseResponse,
  Registered,
} from "../../gen/mesh/registry/v1/registry_service.ts";
import { type MeshServer, meshServer } from "../../interceptors/server/chain.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger, type Logger } from "../../runtime/logger.ts";
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

const NOWHERE: DestinationStream = { write() {} };

/** @returns to be bound with `await using`, which cuts every call and ends it. */
export async function startRegistry({ url, logs = NOWHERE, ...options }: TestRegistryOptions): Promise<TestRegistry> {
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const store = await openRegistryStore(url, logger);
  const clock = new ManualClock();
  const dataPlane = new RecordingDataPlane();
  const registry = await createRegistry({
    ...{ id: "registry", description: "a test", store, dataPlane, logger, clock },
    ...{ leaseMs: 10_000, probeIntervalMs: 10_000, pollIntervalMs: 20 },
    ...options,
  });
  const health = new Health({}, { logger });
  const server = meshServer({ logger, metrics: new Metrics(), health, maxCallsInFlight: 10_000, maxOpenStreams: 10_000 });
  registry.add(server);
  const port = await server.listen("127.0.0.1:0");
  const address = `127.0.0.1:${port}`;
  const channel = openChannel(address, { caller: "test" });
  return {
    ...{ registry, store, dataPlane, clock, server, channel, logger, port, address },
    client: registryClient(channel, logger),
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

/** How an instance answers when it is asked for its health: a serving status of grpc.health.v1, or a gRPC status, or never. */
export type Answer = { serving: 0 | 1 | 2 } | { status: number } | "silent";

/** Something that listens and answers the questions of a registry, until it dies. */
export class TestInstance implements AsyncDisposable {
  answer: Answer = { serving: 1 };
  /** How often it was asked. */
  asked = 0;
  /** How many connections it has taken. */
  accepted = 0;
  readonly #left = Promise.withResolvers<void>();
  readonly #server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor() {
    this.#server.on("session", (session) => {
      this.accepted++;
      this.#sessions.add(session);
      session
        .on("error", () => {})
        .on("close", () => {
          this.#sessions.delete(session);
          this.#left.resolve();
        });
    });
    this.#server.on("stream", (stream) => this.#reply(stream));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when it has been asked so often. */
  async askedTimes(times: number): Promise<void> {
    while (this.asked < times) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves when the first connection is closed. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Listens. The default is on all addresses of the machine: 127.0.0.1, 127.0.0.2 and so on. */
  async listen(port = 0, host = "0.0.0.0"): Promise<this> {
    await new Promise<void>((resolve, reject) => this.#server.once("error", reject).listen(port, host, resolve));
    // A test that fails in its middle must not keep the run from ending.
    this.#server.unref();
    return this;
  }

  /** Dies as a process does that is killed. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.hangUp();
    await closed;
  }

  /** Breaks all connections. */
  hangUp(): void {
    for (const session of this.#sessions) session.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.kill();
  }

  #reply(stream: ServerHttp2Stream): void {
    this.asked++;
    stream.on("error", () => {}).resume();
    const { answer } = this;
    if (answer === "silent") return;
    const headers = { ":status": 200, "content-type": "application/grpc" };
    if ("status" in answer) {
      stream.respond({ ...headers, "grpc-status": String(answer.status) }, { endStream: true });
      return;
    }
    stream.respond(headers, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, answer.serving]));
  }
}

/** Starts an instance on a free port. @returns to be bound with `await using`. */
export function startInstance(port?: number, host?: string): Promise<TestInstance> {
  return new TestInstance().listen(port, host);
}

/** The stream by which an instance is registered. Leave it with `await using`, which breaks it. */
export class HeldLease implements AsyncDisposable {
  readonly #requests: DeepPartial<HoldLeaseRequest>[] = [];
  readonly #responses: AsyncIterator<HoldLeaseResponse>;
  readonly #abort = new AbortController();
  #wake = () => {};
  #ended = false;

  constructor(client: RegistryClient) {
    const { signal } = this.#abort;
    this.#responses = client.holdLease(this.#sent(), { signal })[Symbol.asyncIterator]();
  }

  send(request: DeepPartial<HoldLeaseRequest>): void {
    this.#requests.push(request);
    this.#wake();
  }

  /** The next thing that the registry says; undefined when it has ended the stream. */
  async next(): Promise<HoldLeaseResponse["event"]> {
    const { done, value } = await this.#responses.next();
    return done ? undefined : value.event;
  }

  /** Says that nothing more will come, and no goodbye. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Breaks the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    this.end();
    await this.#responses.next().catch(() => {});
  }

  async *#sent(): AsyncGenerator<DeepPartial<HoldLeaseRequest>> {
    while (true) {
      const request = this.#requests.shift();
      if (request !== undefined) yield request;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** Registers an instance by a stream. @returns once it is registered. */
export async function hold(
  client: RegistryClient,
  instance: DeepPartial<Instance>,
): Promise<HeldLease & { readonly id: string; readonly registered: Registered }> {
  const lease = new HeldLease(client);
  lease.send({ event: { $case: "instance", value: instance } });
  const event = await lease.next();
  if (event?.$case !== "registered") throw new Error("not registered");
  return Object.assign(lease, { id: event.value.instanceId, registered: event.value });
}
