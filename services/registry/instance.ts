import type { Instance as InstanceMessage, Protocol as ProtocolNumber } from "../../gen/mesh/registry/v1/instance.ts";
import { hasContract } from "../../runtime/contracts.ts";
import { invalidField } from "../../runtime/errors.ts";
import { hostAndPort } from "../../runtime/host-port.ts";
import { addressOfPeer, canonicalAddress, isWildcard } from "./address.ts";

export type Protocol = "grpc" | "http";

/** One server of a service, as it has registered. Never changed: to register again makes another one. */
export interface Instance {
  readonly id: string;
  readonly service: string;
  /** An IP address, in its canonical form. */
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** May be empty. */
  readonly version: string;
  /** May be empty. */
  readonly zone: string;
  /** 1 to 1,000 */
  readonly weight: number;
  readonly metadata: ReadonlyMap<string, string>;
  /** "package.Service" of each that has a contract here, in order, none twice. Of others nothing is known that routes could say. */
  readonly grpcServices: readonly string[];
  /** Where the health of an HTTP instance is asked for. */
  readonly healthCheckPath: string;
}

const DEFAULT_HEALTH_CHECK_PATH = "/health";
const PROTOCOLS: Readonly<Record<ProtocolNumber, Protocol>> = { 0: "grpc", 1: "grpc", 2: "http", [-1]: "grpc" };

/**
 * The instance that a message describes, with everything filled in that it may leave out.
 *
 * The rules of the contract have been kept already.
 *
 * @param peer who sent it, as gRPC says it: the address of the instance, if it does not say another.
 * @throws Failure for an address that nobody could call.
 */
export function instanceOf(message: InstanceMessage, peer: string): Instance {
  const { service, port, version, zone, metadata } = message;
  const address = addressOf(message, peer);
  return {
    id: message.id || `${service}@${hostAndPort(address, port)}`,
    ...{ service, address, port, version, zone },
    protocol: PROTOCOLS[message.protocol],
    weight: message.weight || 1,
    metadata: new Map(metadata),
    grpcServices: [...new Set(message.grpcServices)].filter(hasContract).sort(),
    healthCheckPath: message.healthCheckPath || DEFAULT_HEALTH_CHECK_PATH,
  };
}

function addressOf(message: InstanceMessage, peer: string): string {
  if (message.address === "") {
    const observed = addressOfPeer(peer);
    if (observed === undefined) throw invalidField("instance.address", "is required: the caller has no IP address of its own");
    return observed;
  }
  const address = canonicalAddress(message.address);
  if (address === undefined) throw invalidField("instance.address", "must be an IP address, without a zone");
  if (isWildcard(address)) throw invalidField("instance.address", "must be an address that others can call");
  return address;
}
