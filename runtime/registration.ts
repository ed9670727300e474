import { setTimeout as sleep } from "node:timers/promises";
import { type Channel, ClientError, createChannel, createClient, Status } from "nice-grpc";
import type { Instance } from "../gen/mesh/registry/v1/instance.ts";
import { type HoldLeaseRequest, type LoadReport, RegistryServiceDefinition } from "../gen/mesh/registry/v1/registry_service.ts";
import { durationMs } from "./duration.ts";
import type { Logger } from "./logger.ts";
import type { ChannelSecurity } from "./security.ts";

const FIRST_PAUSE_MS = 100;
/** The registry that comes back has forgotten everybody: they all have to be back before it ends its warm-up of three seconds. */
const LONGEST_PAUSE_MS = 1_000;
/** What the registry has refused once it will hardly take a second later. */
const REFUSED_PAUSE_MS = 10_000;
/** A registry that starts together with its mesh is not missed for this long. */
const STARTING_MS = 3_000;

const CHANNEL_OPTIONS = {
  "grpc.keepalive_time_ms": 5_000,
  "grpc.keepalive_timeout_ms": 3_000,
  "grpc.initial_reconnect_backoff_ms": FIRST_PAUSE_MS,
  "grpc.min_reconnect_backoff_ms": 2_000,
  "grpc.max_reconnect_backoff_ms": LONGEST_PAUSE_MS,
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_channelz": 0,
};

/** Keeps one instance registered with one registry: it registers again whenever the stream is lost. */
export class Registration {
  readonly #registry: string;
  readonly #instance: Instance;
  readonly #logger: Logger;
  readonly #channel: Channel;
  readonly #stop = new AbortController();
  /** The stream by which the instance is registered now. */
  #stream: Requests | undefined;
  /** The attempt to be registered that is under way, or the last one. */
  #holding: Promise<boolean> = Promise.resolve(false);
  #reportIntervalMs: number | undefined;
  readonly #startedAt = performance.now();
  #draining = false;
  #everRegistered = false;
  #complained = false;

  readonly #onRegistered: () => void;

  /**
   * @param options.registry "host:port"
   * @param options.onRegistered called each time that the registry has taken the instance.
   */
  constructor(options: {
    registry: string;
    credentials: ChannelSecurity;
    instance: Instance;
    logger: Logger;
    onRegistered?: () => void;
  }) {
    this.#onRegistered = options.onRegistered ?? (() => {});
    this.#registry = options.registry;
    this.#instance = options.instance;
    this.#logger = options.logger;
    this.#channel = createChannel(options.registry, options.credentials.channel("registry"), CHANNEL_OPTIONS);
    void this.#keepRegistered();
  }

  /** Whether the registry has it now. */
  get registered(): boolean {
    return this.#stream !== undefined;
  }

  /** How often the registry wants to hear of the instance; undefined before it has said so. */
  get reportIntervalMs(): number | undefined {
    return this.#reportIntervalMs;
  }

  /** Sends what was served. It is also the sign that the instance lives. Dropped while the stream is lost. */
  report(load: LoadReport): void {
    this.#stream?.push({ event: { $case: "load", value: load } });
  }

  /** Takes the instance out. Resolves when every client of this registry knows, or the registry is not there. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#stream?.push(DRAIN);
    await this.#holding;
  }

  close(): void {
    this.#stop.abort();
    this.#channel.close();
  }

  async #keepRegistered(): Promise<void> {
    const { signal } = this.#stop;
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted && !this.#draining) {
      const startedAt = performance.now();
      this.#holding = this.#hold(signal);
      const refused = await this.#holding;
      if (signal.aborted || this.#draining) return;
      pauseMs = performance.now() - startedAt > LONGEST_PAUSE_MS ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      // At random, so that a thousand instances do not come back in the same moment.
      const jittered = (refused ? REFUSED_PAUSE_MS : pauseMs) * (0.5 + Math.random() / 2);
      await sleep(jittered, undefined, { ref: false, signal }).catch(() => {});
    }
  }

  /** Registers, and stays until the stream ends. @returns whether the registry has refused the instance. */
  async #hold(signal: AbortSignal): Promise<boolean> {
    const requests = new Requests({ event: { $case: "instance", value: this.#instance } });
    try {
      const client = createClient(RegistryServiceDefinition, this.#channel);
      for await (const { event } of client.holdLease(requests, { signal })) {
        if (event?.$case === "drained") return false;
        if (event?.$case !== "registered") continue;
        this.#stream = requests;
        this.#reportIntervalMs = event.value.reportInterval && durationMs(event.value.reportInterval);
        // It began to leave while it was being registered.
        if (this.#draining) requests.push(DRAIN);
        else this.#onRegistered();
        this.#everRegistered = true;
        this.#complained = false;
        this.#logger.info({ registry: this.#registry, instance: event.value.instanceId }, "registered");
      }
      return false;
    } catch (error) {
      if (signal.aborted) return false;
      const code = error instanceof ClientError ? error.code : Status.UNKNOWN;
      const reason = error instanceof ClientError ? `${Status[code]}: ${error.details}` : String(error);
      const refused = REFUSALS.has(code);
      this.#complain(reason, refused);
      return refused;
    } finally {
      this.#stream = undefined;
      requests.end();
    }
  }

  /** Once for each time that the registry is lost, not for each attempt to find it. */
  #complain(reason: string, refused: boolean): void {
    const starting = !this.#everRegistered && !refused && performance.now() - this.#startedAt < STARTING_MS;
    if (this.#complained || starting) return;
    this.#complained = true;
    this.#logger.warn({ registry: this.#registry, reason }, "not registered: the registry is tried again");
  }
}

const DRAIN: HoldLeaseRequest = { event: { $case: "drain", value: {} } };

/** What a registry says that does not want the instance. */
const REFUSALS: ReadonlySet<Status> = new Set([Status.INVALID_ARGUMENT, Status.PERMISSION_DENIED, Status.UNIMPLEMENTED]);

/** What is sent on the stream, as it comes. */
class Requests implements AsyncIterable<HoldLeaseRequest> {
  readonly #queue: HoldLeaseRequest[];
  #wake = () => {};
  #ended = false;

  constructor(first: HoldLeaseRequest) {
    this.#queue = [first];
  }

  push(request: HoldLeaseRequest): void {
    this.#queue.push(request);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator]() {
    while (!this.#ended) {
      const request = this.#queue.shift();
      if (request !== undefined) yield request;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
