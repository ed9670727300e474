import { Client, type ClientDuplexStream, credentials, type ServiceError } from "@grpc/grpc-js";
import type { DiscoveryRequest } from "@grpc/grpc-js-xds/build/src/generated/envoy/service/discovery/v3/DiscoveryRequest.js";
import { adsDefinition } from "../contract.ts";
import { decode } from "../protos.ts";
import { ASSIGNMENT, type ResourceType, resourceTypes, typeOfUrl, typeUrlOf } from "../resource-type.ts";

export const [LISTENER, ROUTES, CLUSTER] = resourceTypes;
export { ASSIGNMENT };

/** A response as it came, with what its resources hold. */
export interface Received {
  readonly type: ResourceType;
  readonly version: string;
  readonly nonce: string;
  /** The names of the resources, sorted. */
  readonly names: readonly string[];
  readonly bytes: Buffer;
}

/** Speaks xDS by hand: says what it is told to, and nothing by itself. Made for tests. */
export class RawClient implements AsyncDisposable {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<DiscoveryRequest, Buffer>;
  readonly #received: Received[] = [];
  readonly #last = new Map<ResourceType, Received>();
  #arrival = Promise.withResolvers<void>();
  #first = true;
  /** What the stream ended with. */
  readonly ended: Promise<ServiceError | undefined>;

  constructor(server: string | Client) {
    this.#client = typeof server === "string" ? new Client(server, credentials.createInsecure()) : server;
    const { path, requestSerialize } = adsDefinition.streamAggregatedResources;
    this.#stream = this.#client.makeBidiStreamRequest(
      path,
      (request) => Buffer.from(requestSerialize(request)),
      (bytes: Buffer) => bytes,
    );
    this.#stream.on("data", (bytes: Buffer) => {
      const response = read(bytes);
      this.#received.push(response);
      this.#last.set(response.type, response);
      this.#arrival.resolve();
      this.#arrival = Promise.withResolvers();
    });
    this.ended = new Promise((resolve) => {
      this.#stream.on("error", resolve).on("end", () => resolve(undefined));
    });
  }

  /** Sends a request. The first one has a node. */
  send(request: DiscoveryRequest): void {
    this.#stream.write({ ...(this.#first && { node: { id: "raw", cluster: "tests" } }), ...request });
    this.#first = false;
  }

  /** Asks for resources, from now on. @param after the last response of the type that it has seen. */
  subscribe(type: ResourceType, names: readonly string[], after = this.#last.get(type)): void {
    this.send({
      type_url: typeUrlOf(type),
      resource_names: [...names],
      version_info: after?.version ?? "",
      response_nonce: after?.nonce ?? "",
    });
  }

  /** Accepts a response, and asks for what it holds or for other names. */
  accept(response: Received, names: readonly string[] = response.names): void {
    this.subscribe(response.type, names, response);
  }

  /** Refuses a response. */
  refuse(response: Received, message: string, names: readonly string[] = response.names): void {
    this.send({
      type_url: typeUrlOf(response.type),
      resource_names: [...names],
      response_nonce: response.nonce,
      error_detail: { code: 3, message },
    });
  }

  /** The next response, as soon as it is there. */
  async next(): Promise<Received> {
    for (;;) {
      const response = this.#received.shift();
      if (response !== undefined) return response;
      await this.#arrival.promise;
    }
  }

  /** Asks for resources and accepts the response. */
  async learn(type: ResourceType, names: readonly string[]): Promise<Received> {
    this.subscribe(type, names);
    const response = await this.next();
    this.accept(response, names);
    return response;
  }

  /** The last response of a type. */
  last(type: ResourceType): Received {
    const response = this.#last.get(type);
    if (response === undefined) throw new Error(`no response of type ${type}`);
    return response;
  }

  /** Says that there will be no more requests. */
  finish(): void {
    this.#stream.end();
  }

  /** Stops reading. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  leave(): void {
    this.#stream.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.cancel();
    this.#client.close();
  }
}

function read(bytes: Buffer): Received {
  const response = decode("envoy.service.discovery.v3.DiscoveryResponse", bytes);
  const type = typeOfUrl(response.type_url);
  if (type === undefined) throw new Error(`a response of type ${response.type_url}`);
  const names = response.resources.map(({ value }) => nameOf(value)).sort();
  return { type, version: response.version_info, nonce: response.nonce, names, bytes };
}

/** The first field of every type of resource is its name, which is shorter than 128 bytes in tests. */
function nameOf(resource: Buffer): string {
  return resource.toString("utf8", 2, 2 + (resource[1] ?? 0));
}
