import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Cluster } from "@grpc/grpc-js-xds/build/src/generated/envoy/config/cluster/v3/Cluster.js";
import type { ClusterLoadAssignment } from "@grpc/grpc-js-xds/build/src/generated/envoy/config/endpoint/v3/ClusterLoadAssignment.js";
import type { Listener } from "@grpc/grpc-js-xds/build/src/generated/envoy/config/listener/v3/Listener.js";
import type { RouteConfiguration } from "@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/RouteConfiguration.js";
import type { HTTPFault } from "@grpc/grpc-js-xds/build/src/generated/envoy/extensions/filters/http/fault/v3/HTTPFault.js";
import type { HttpConnectionManager } from "@grpc/grpc-js-xds/build/src/generated/envoy/extensions/filters/network/http_connection_manager/v3/HttpConnectionManager.js";
import type { PickFirst } from "@grpc/grpc-js-xds/build/src/generated/envoy/extensions/load_balancing_policies/pick_first/v3/PickFirst.js";
import type { RingHash } from "@grpc/grpc-js-xds/build/src/generated/envoy/extensions/load_balancing_policies/ring_hash/v3/RingHash.js";
import type {
  DiscoveryRequest,
  DiscoveryRequest__Output,
} from "@grpc/grpc-js-xds/build/src/generated/envoy/service/discovery/v3/DiscoveryRequest.js";
import type {
  DiscoveryResponse,
  DiscoveryResponse__Output,
} from "@grpc/grpc-js-xds/build/src/generated/envoy/service/discovery/v3/DiscoveryResponse.js";
import type { TypedStruct } from "@grpc/grpc-js-xds/build/src/generated/xds/type/v3/TypedStruct.js";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";

/** The messages of xDS that a control plane writes, by their names. */
interface Messages {
  "envoy.config.listener.v3.Listener": Listener;
  "envoy.config.route.v3.RouteConfiguration": RouteConfiguration;
  "envoy.config.cluster.v3.Cluster": Cluster;
  "envoy.config.endpoint.v3.ClusterLoadAssignment": ClusterLoadAssignment;
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager": HttpConnectionManager;
  "envoy.extensions.filters.http.fault.v3.HTTPFault": HTTPFault;
  "envoy.extensions.filters.http.router.v3.Router": Record<string, never>;
  "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest": Record<string, never>;
  "envoy.extensions.load_balancing_policies.pick_first.v3.PickFirst": PickFirst;
  "envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash": RingHash;
  "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin": Record<string, never>;
  "xds.type.v3.TypedStruct": TypedStruct;
  "envoy.service.discovery.v3.DiscoveryRequest": DiscoveryRequest;
  "envoy.service.discovery.v3.DiscoveryResponse": DiscoveryResponse;
}

/** The same, as they are read. */
interface ReadMessages {
  "envoy.service.discovery.v3.DiscoveryRequest": DiscoveryRequest__Output;
  "envoy.service.discovery.v3.DiscoveryResponse": DiscoveryResponse__Output;
}

/** google.protobuf.Any */
export interface AnyMessage {
  readonly type_url: string;
  readonly value: Buffer;
}

/** Where a client looks up what an Any holds. */
export const TYPE_URL_PREFIX = "type.googleapis.com/";

/** grpc-js-xds brings along the contracts that it speaks. buf cannot compile them: their rules of fields are too old for it. */
const deps = join(dirname(createRequire(import.meta.url).resolve("@grpc/grpc-js-xds/package.json")), "deps");

/** Takes a sixth of a second, once. */
const definitions = loadSync(
  [
    "envoy/service/discovery/v3/ads.proto",
    "envoy/config/listener/v3/listener.proto",
    "envoy/config/route/v3/route.proto",
    "envoy/config/cluster/v3/cluster.proto",
    "envoy/config/endpoint/v3/endpoint.proto",
    "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
    "envoy/extensions/filters/http/fault/v3/fault.proto",
    "envoy/extensions/filters/http/router/v3/router.proto",
    "envoy/extensions/load_balancing_policies/least_request/v3/least_request.proto",
    "envoy/extensions/load_balancing_policies/pick_first/v3/pick_first.proto",
    "envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.proto",
    "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.proto",
    "xds/type/v3/typed_struct.proto",
  ],
  {
    // As the generated types are.
    ...{ keepCase: true, longs: String, enums: String, defaults: true, oneofs: true },
    includeDirs: ["envoy-api", "xds", "googleapis", "protoc-gen-validate"].map((folder) => join(deps, folder)),
  },
);

/** The bytes of a message. Equal messages make equal bytes. */
export function encode<Name extends keyof Messages>(name: Name, message: Messages[Name]): Buffer {
  return definitionOf<Messages[Name], never>(name).serialize(message);
}

/** The message in the bytes. @throws Error if there is none. */
export function decode<Name extends keyof ReadMessages>(name: Name, bytes: Uint8Array): ReadMessages[Name] {
  return definitionOf<never, ReadMessages[Name]>(name).deserialize(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
}

/** The message packed as a google.protobuf.Any. */
export function pack<Name extends keyof Messages>(name: Name, message: Messages[Name]): AnyMessage {
  return { type_url: `${TYPE_URL_PREFIX}${name}`, value: encode(name, message) };
}

/** The loader does not know the types of what it loads: here is where they are said, and nowhere else. */
function definitionOf<Input, Output>(name: string): MessageTypeDefinition<Input, Output> {
  return definitions[name] as unknown as MessageTypeDefinition<Input, Output>;
}
