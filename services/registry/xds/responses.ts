import { encode } from "./protos.ts";
import { type ResourceType, typeUrlOf } from "./resource-type.ts";
import type { Resource } from "./snapshot.ts";

/** A DiscoveryResponse, encoded. */
export interface Response {
  /** The version_info, and the nonce as well: "<start of this process>-<number>". */
  readonly version: string;
  /** The names of the resources. */
  readonly names: ReadonlySet<string>;
  readonly bytes: Buffer;
}

/** What is kept of the encoded responses, in bytes. */
const KEPT_BYTES = 8_388_608;

/** Makes responses. All clients that are told the same at about the same time share one encoding. */
export class Responses {
  /** Base 36. Versions differ between one start and the next. */
  readonly #start = Date.now().toString(36);
  readonly #kept = new Map<string, Response>();
  #keptBytes = 0;
  #lastNumber = 0;

  /**
   * A response with these resources.
   *
   * @param not the nonce that the client was sent last: it could not tell two responses with the same one apart.
   */
  of(type: ResourceType, resources: readonly Resource[], not: string): Response {
    const sorted = resources.toSorted((a, b) => a.version - b.version);
    // No two resources have the same version, so these say it all.
    const key = sorted.map(({ version }) => version.toString(36)).join();
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.version !== not) return kept;
    const response = this.#encode(type, sorted);
    this.#keep(key, response);
    return response;
  }

  #encode(type: ResourceType, resources: readonly Resource[]): Response {
    const version = `${this.#start}-${++this.#lastNumber}`;
    const bytes = encode("envoy.service.discovery.v3.DiscoveryResponse", {
      version_info: version,
      nonce: version,
      type_url: typeUrlOf(type),
      resources: resources.map(({ message }) => message),
    });
    return { version, names: new Set(resources.map(({ name }) => name)), bytes };
  }

  #keep(key: string, response: Response): void {
    if (this.#keptBytes + response.bytes.length > KEPT_BYTES) {
      this.#kept.clear();
      this.#keptBytes = 0;
    }
    this.#keptBytes += response.bytes.length;
    this.#kept.set(key, response);
  }
}
