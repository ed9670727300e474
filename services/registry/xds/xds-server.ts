import { AbortError } from "abort-controller-x";
import type { ClientState } from "../../../gen/mesh/registry/v1/registry_service.ts";
import type { MeshServer } from "../../../interceptors/server/chain.ts";
import { currentCall } from "../../../runtime/call-context.ts";
import { contracts } from "../../../runtime/contracts.ts";
import { Failure } from "../../../runtime/errors.ts";
import type { Logger } from "../../../runtime/logger.ts";
import type { RoutedService } from "../routing.ts";
import { AdsStream } from "./ads-stream.ts";
import { adsContract, adsDefinition } from "./contract.ts";
import type { DiscoveryRequest } from "./request.ts";
import { ASSIGNMENT } from "./resource-type.ts";
import { Responses } from "./responses.ts";
import { checkServicePolicies } from "./service-policy.ts";
import { Snapshot } from "./snapshot.ts";
import { Subscribers } from "./subscribers.ts";
import type { Subscription } from "./subscription.ts";

const DEFAULT_WARM_UP_MS = 3_000;
/** A process has one: no service is to take all of them from the others. */
const MOST_STREAMS_OF_ONE = 2_000;

export interface XdsServerOptions {
  logger: Logger;
  /**
   * For how long after its start a registry, which remembers no instances,
   * tells nothing to clients that have a configuration from before.
   *
   * The default is 3,000.
   */
  warmUpMs?: number;
  /** Runs the action after some milliseconds. Returns what prevents it. The default is setTimeout. */
  startTimer?: (action: () => void, ms: number) => () => void;
}

/** Somebody who waits until these have answered. */
interface Waiter {
  readonly versions: ReadonlyMap<string, number>;
  readonly subscriptions: Set<Subscription>;
  readonly done: () => void;
}

/**
 * Tells gRPC clients by xDS where the instances of services are and how to call them.
 *
 * A new client is answered at once. One that comes back with a configuration
 * keeps it for the warm-up, so that no instance loses its calls because it has
 * not registered again yet.
 */
export class XdsServer {
  readonly #logger: Logger;
  readonly #snapshot = new Snapshot();
  readonly #subscribers = new Subscribers();
  readonly #responses = new Responses();
  readonly #streams = new Set<AdsStream>();
  /** By whose they are. */
  readonly #streamsOf = new Map<string, number>();
  readonly #waiters = new Set<Waiter>();
  readonly #startWarmUp: () => () => void;
  #stopWarmUp = () => {};
  #warmingUp = true;
  #closed = false;
  /** Streams that may have something to send. Undefined: no round is due. */
  #round: Set<AdsStream> | undefined;

  /** @throws ContractError if the policy of a service contradicts itself. */
  constructor({ logger, warmUpMs = DEFAULT_WARM_UP_MS, startTimer = startTimeout }: XdsServerOptions) {
    checkServicePolicies(contracts);
    this.#logger = logger;
    this.#startWarmUp = () => startTimer(() => this.#endWarmUp(), warmUpMs);
  }

  /** Adds xDS to a server. Right before its listen(): the warm-up begins now. */
  addTo(server: MeshServer): void {
    this.#stopWarmUp = this.#startWarmUp();
    server.addForeign(adsDefinition, [adsContract], {
      streamAggregatedResources: (requests, { signal }) => this.#serve(requests, signal),
    });
  }

  /** What clients of the service are to be told from now on. */
  update(service: RoutedService): void {
    for (const resource of this.#snapshot.update(service)) {
      for (const subscription of this.#subscribers.of(resource.type, resource.name)) subscription.changed(resource);
    }
  }

  /**
   * Resolves when every client that has asked for the endpoints of the service
   * has accepted or refused them as they are now, or later ones, or is gone.
   *
   * That may be never: the caller bounds the wait.
   */
  settled(service: string): Promise<void> {
    const versions = new Map(this.#snapshot.assignments(service).map(({ name, version }) => [name, version]));
    const subscriptions = new Set(
      [...versions.keys()]
        .flatMap((name) => [...this.#subscribers.of(ASSIGNMENT, name)])
        .filter((subscription) => !subscription.knows(versions)),
    );
    if (subscriptions.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.add({ versions, subscriptions, done: resolve }));
  }

  /** The clients that are connected, in the order in which they came. */
  clients(): ClientState[] {
    return [...this.#streams].flatMap((stream) => stream.state() ?? []);
  }

  /** Ends every stream. */
  close(): void {
    this.#closed = true;
    this.#stopWarmUp();
    for (const stream of this.#streams) stream.end(stopping());
  }

  async *#serve(requests: AsyncIterable<DiscoveryRequest>, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    if (this.#closed) throw stopping();
    const owner = currentCall()?.caller?.name ?? "";
    const streams = this.#streamsOf.get(owner) ?? 0;
    if (streams >= MOST_STREAMS_OF_ONE) {
      throw new Failure("exhausted", `${owner} has ${streams} streams open already`, { reason: "REGISTRY_FULL" });
    }
    this.#streamsOf.set(owner, streams + 1);
    const stream = new AdsStream({
      owner,
      snapshot: this.#snapshot,
      subscribers: this.#subscribers,
      responses: this.#responses,
      logger: this.#logger,
      schedule: (woken) => this.#schedule(woken),
      progressed: (subscription) => this.#progressed(subscription),
      warmingUp: () => this.#warmingUp,
    });
    this.#streams.add(stream);
    const abort = () => stream.end(new AbortError());
    signal.addEventListener("abort", abort);
    void read(requests, stream);
    try {
      for (let bytes = await stream.next(); bytes !== undefined; bytes = await stream.next()) yield bytes;
    } finally {
      // Also when the client has left in the middle of a response.
      signal.removeEventListener("abort", abort);
      this.#streams.delete(stream);
      const left = (this.#streamsOf.get(owner) ?? 0) - 1;
      if (left > 0) this.#streamsOf.set(owner, left);
      else this.#streamsOf.delete(owner);
      stream.close();
    }
  }

  /** One round for all that changes in one turn of the event loop. */
  #schedule(stream: AdsStream): void {
    if (this.#round === undefined) {
      this.#round = new Set();
      setImmediate(() => {
        const round = this.#round ?? [];
        this.#round = undefined;
        for (const woken of round) woken.wake();
      });
    }
    this.#round.add(stream);
  }

  #progressed(subscription: Subscription): void {
    for (const waiter of this.#waiters) {
      if (!waiter.subscriptions.has(subscription) || !subscription.knows(waiter.versions)) continue;
      waiter.subscriptions.delete(subscription);
      if (waiter.subscriptions.size > 0) continue;
      this.#waiters.delete(waiter);
      waiter.done();
    }
  }

  #endWarmUp(): void {
    this.#warmingUp = false;
    for (const stream of this.#streams) stream.release();
  }
}

/** Hands every request to the stream, which ends when they end. */
async function read(requests: AsyncIterable<DiscoveryRequest>, stream: AdsStream): Promise<void> {
  try {
    for await (const request of requests) stream.receive(request);
    stream.end();
  } catch (error) {
    stream.end(error);
  }
}

function startTimeout(action: () => void, ms: number): () => void {
  const timer = setTimeout(action, ms).unref();
  return () => clearTimeout(timer);
}

function stopping(): Failure {
  return new Failure("unavailable", "the registry is shutting down");
}
