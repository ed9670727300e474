import { Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import { adsDefinition } from "../../services/registry/xds/contract.ts";
import { encode } from "../../services/registry/xds/protos.ts";
import { type ResourceType, resourceTypes, typeUrlOf } from "../../services/registry/xds/resource-type.ts";
import { nowMs } from "./child.ts";
import { nameOf, readResponse } from "./discovery-response.ts";

/** An address that a client is to hear of, or to hear no more of. */
export interface Awaited {
  readonly address: string;
  readonly present: boolean;
}

/** What a client has received of what it waits for. */
export interface Receipt {
  /** When the last of it came. */
  readonly lastAtMs: number;
  readonly responses: number;
  /** Messages of gRPC, without their five bytes of length. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

const ASSIGNMENT = typeUrlOf("envoy.config.endpoint.v3.ClusterLoadAssignment");

/** One client: a connection and a stream on it, by which it subscribes to everything and accepts everything. */
export class AdsClient {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  /** All names, as they stand in every request: a client says each time all that it wants. */
  readonly #names: Buffer;
  /** How many resources are still to come at the start. */
  #missing: number;
  /** By the name of the service. */
  #awaited: ReadonlyMap<string, Awaited> = new Map();
  readonly #has = new Set<string>();
  #receipt = { lastAtMs: 0, responses: 0, bytesReceived: 0, bytesSent: 0 };
  #done = Promise.withResolvers<Receipt>();
  #complete = false;

  constructor(address: string, id: string, names: readonly string[]) {
    this.#names = encodeRequest({ resource_names: [...names] });
    this.#missing = names.length * resourceTypes.length;
    // A connection of its own.
    this.#client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
    const asItIs = (bytes: Buffer) => bytes;
    this.#stream = this.#client.makeBidiStreamRequest(adsDefinition.streamAggregatedResources.path, asItIs, asItIs);
    this.#stream.on("data", (bytes: Buffer) => this.#receive(bytes));
    // Ends the process, and the run with it.
    this.#stream.on("error", (error) => {
      throw error;
    });
    const node = { id, cluster: "clients", user_agent_name: "bench", user_agent_version: "1" };
    for (const [i, type] of resourceTypes.entries()) this.#subscribe(type, i === 0 ? { node } : {});
  }

  /** Resolves when there is everything that was waited for last: at first, all resources. */
  get done(): Promise<Receipt> {
    return this.#done.promise;
  }

  /** Waits for changes, by the name of the service, from now on. */
  expect(awaited: ReadonlyMap<string, Awaited>): void {
    this.#awaited = awaited;
    this.#has.clear();
    this.#receipt = { lastAtMs: 0, responses: 0, bytesReceived: 0, bytesSent: 0 };
    this.#done = Promise.withResolvers();
    this.#complete = false;
  }

  #receive(bytes: Buffer): void {
    const receivedAtMs = nowMs();
    const { version, typeUrl, nonce, resources } = readResponse(bytes);
    this.#receipt.responses++;
    this.#receipt.bytesReceived += bytes.length;
    // Later, so that the other clients of this process, which in earnest have processes of their own, do not wait for it.
    setImmediate(() => this.#accept(version, typeUrl, nonce));
    if (this.#complete) return;
    this.#receipt.lastAtMs = receivedAtMs;
    if (this.#missing > 0) this.#missing -= resources.length;
    else if (typeUrl === ASSIGNMENT) for (const resource of resources) this.#compare(resource);
    this.#complete = this.#missing === 0 && this.#has.size === this.#awaited.size;
    if (this.#complete) this.#done.resolve(this.#receipt);
  }

  #compare(assignment: Uint8Array): void {
    const name = nameOf(assignment);
    const awaited = this.#awaited.get(name);
    if (awaited === undefined) return;
    const present = Buffer.from(assignment.buffer, assignment.byteOffset, assignment.length).includes(awaited.address);
    if (present === awaited.present) this.#has.add(name);
  }

  #subscribe(type: ResourceType, first: object): void {
    this.#send(encodeRequest(first), this.#names, encodeRequest({ type_url: typeUrlOf(type) }));
  }

  #accept(version: string, typeUrl: string, nonce: string): void {
    const tail = encodeRequest({ type_url: typeUrl, response_nonce: nonce });
    this.#send(encodeRequest({ version_info: version }), this.#names, tail);
  }

  /** Parts of a message, one after the other, are the message; in this order its fields stand as any encoder puts them. */
  #send(...parts: readonly Buffer[]): void {
    const request = Buffer.concat(parts);
    this.#receipt.bytesSent += request.length;
    this.#stream.write(request);
  }
}

function encodeRequest(request: Parameters<typeof encode<"envoy.service.discovery.v3.DiscoveryRequest">>[1]): Buffer {
  return encode("envoy.service.discovery.v3.DiscoveryRequest", request);
}
