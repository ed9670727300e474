import { BinaryReader } from "@bufbuild/protobuf/wire";

/** What a client has to know of a DiscoveryResponse in order to accept it. */
export interface DiscoveryResponse {
  version: string;
  typeUrl: string;
  nonce: string;
  /** The resources, encoded. */
  resources: Uint8Array[];
}

// The numbers of the fields in envoy/service/discovery/v3/discovery.proto and google/protobuf/any.proto.
const VERSION_INFO = 1;
const RESOURCES = 2;
const TYPE_URL = 4;
const NONCE = 5;
const ANY_VALUE = 2;
/** Every type of resource has its name here. */
const RESOURCE_NAME = 1;

/**
 * Reads no more than has to be read.
 *
 * 200 clients share the cores of one machine with the registry: to decode what
 * they receive would take longer than to make it.
 */
export function readResponse(bytes: Uint8Array): DiscoveryResponse {
  const response: DiscoveryResponse = { version: "", typeUrl: "", nonce: "", resources: [] };
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === VERSION_INFO) response.version = reader.string();
    else if (field === RESOURCES) response.resources.push(bytesOf(reader.bytes(), ANY_VALUE));
    else if (field === TYPE_URL) response.typeUrl = reader.string();
    else if (field === NONCE) response.nonce = reader.string();
    else reader.skip(wireType, field);
  }
  return response;
}

export function nameOf(resource: Uint8Array): string {
  return new TextDecoder().decode(bytesOf(resource, RESOURCE_NAME));
}

/** The bytes of the first such field. */
function bytesOf(message: Uint8Array, wanted: number): Uint8Array {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted) return reader.bytes();
    reader.skip(wireType, field);
  }
  return new Uint8Array();
}
