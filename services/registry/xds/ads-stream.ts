import type { ClientState } from "../../../gen/mesh/registry/v1/registry_service.ts";
import { invalidField } from "../../../runtime/errors.ts";
import type { Logger } from "../../../runtime/logger.ts";
import type { DiscoveryRequest } from "./request.ts";
import { type ResourceType, resourceTypes, typeOfUrl } from "./resource-type.ts";
import { Subscription, type SubscriptionDeps } from "./subscription.ts";

/** What every stream works with. */
export interface AdsStreamDeps extends Omit<SubscriptionDeps, "wake"> {
  readonly logger: Logger;
  /** Has wake() called before long. */
  schedule(stream: AdsStream): void;
  /** Whether clients that have a configuration from before are not told anything yet. */
  warmingUp(): boolean;
}

/** Of one type: as many as a registry takes services. */
const MOST_NAMES = 2_000;
/** The names of a service and of a version, and what stands between them. */
const LONGEST_NAME_BYTES = 127;
const LONGEST_NODE_TEXT = 256;

/**
 * One client on its stream: the state of the world on an aggregated stream
 * (xDS "SotW ADS"), for the four types that gRPC asks for.
 */
export class AdsStream {
  readonly #deps: AdsStreamDeps;
  readonly #subscriptions = new Map<ResourceType, Subscription>();
  readonly #connectTime = new Date();
  #node: { id: string; cluster: string; userAgent: string } | undefined;
  /** Has a configuration from before the start of this process, and keeps it until the warm-up is over. */
  #held = false;
  #knowsOfUnknownType = false;
  #ending: { error: unknown } | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(deps: AdsStreamDeps) {
    this.#deps = deps;
  }

  /** @throws Failure if the request is none that can be answered. */
  receive(request: DiscoveryRequest): void {
    this.#node ??= this.#identify(request.node);
    const type = typeOfUrl(request.type_url);
    if (type === undefined) {
      this.#passOver(request.type_url);
      return;
    }
    checkNames(request.resource_names);

    let subscription = this.#subscriptions.get(type);
    if (subscription === undefined) {
      this.#held ||= request.version_info !== "" && this.#deps.warmingUp();
      subscription = new Subscription(type, { ...this.#deps, wake: () => this.#deps.schedule(this) });
      this.#subscriptions.set(type, subscription);
    }
    const refusal = subscription.request(request);
    if (refusal === undefined) return;
    const { version, reason } = refusal;
    this.#deps.logger.warn({ ...this.#node, type, version, reason }, "an xDS client has refused an update");
  }

  /** The next response, encoded, as soon as there is one. Undefined when the stream has ended. @throws what it ended with. */
  async next(): Promise<Buffer | undefined> {
    while (this.#ending === undefined) {
      const response = this.#take();
      if (response !== undefined) return response.bytes;
      this.#waiting = Promise.withResolvers();
      await this.#waiting.promise;
    }
    if (this.#ending.error !== undefined) throw this.#ending.error;
    return undefined;
  }

  /** There may be something to send. */
  wake(): void {
    this.#waiting?.resolve();
  }

  /** The warm-up is over. */
  release(): void {
    this.#held = false;
    this.wake();
  }

  /** No more responses. */
  end(error?: unknown): void {
    this.#ending ??= { error };
    this.wake();
  }

  /** Nobody reads any more. */
  close(): void {
    this.end();
    for (const subscription of this.#subscriptions.values()) subscription.close();
  }

  /** Undefined until the client has said who it is. */
  state(): ClientState | undefined {
    if (this.#node === undefined) return undefined;
    return {
      nodeId: this.#node.id,
      cluster: this.#node.cluster,
      userAgent: this.#node.userAgent,
      connectTime: this.#connectTime,
      subscriptions: resourceTypes.flatMap((type) => this.#subscriptions.get(type)?.state() ?? []),
    };
  }

  #take() {
    if (this.#held) return undefined;
    for (const type of resourceTypes) {
      const response = this.#subscriptions.get(type)?.take();
      if (response !== undefined) return response;
    }
    return undefined;
  }

  #identify(node: DiscoveryRequest["node"]) {
    const { id = "", cluster = "", user_agent_name: name = "", user_agent_version: version = "" } = node ?? {};
    if (id.length < 1 || id.length > LONGEST_NODE_TEXT)
      throw invalidField("node.id", `must have 1 to ${LONGEST_NODE_TEXT} characters`);
    const identity = { id: short(id), cluster: short(cluster), userAgent: short(`${name} ${version}`.trim()) };
    this.#deps.logger.debug(identity, "an xDS client is here");
    return identity;
  }

  #passOver(typeUrl: string): void {
    if (!this.#knowsOfUnknownType)
      this.#deps.logger.debug({ ...this.#node, typeUrl: short(typeUrl) }, "an xDS client asks for what is not served");
    this.#knowsOfUnknownType = true;
  }
}

/** Lists of names that are as they should be: clients say the same ones again and again. */
const checked = new WeakSet<readonly string[]>();

function checkNames(names: readonly string[]): void {
  if (checked.has(names)) return;
  if (names.length > MOST_NAMES) throw invalidField("resource_names", `must be at most ${MOST_NAMES}`);
  const tooLong = names.findIndex((name) => Buffer.byteLength(name) > LONGEST_NAME_BYTES);
  if (tooLong >= 0) throw invalidField(`resource_names[${tooLong}]`, `must have at most ${LONGEST_NAME_BYTES} bytes`);
  checked.add(names);
}

/** Text of others, as it can be kept, logged and sent on. */
function short(text: string): string {
  return text.slice(0, LONGEST_NODE_TEXT).toWellFormed();
}
