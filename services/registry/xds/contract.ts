import type { MethodDefinition } from "nice-grpc";
import { EndUser } from "../../../gen/mesh/policy/v1/policy.ts";
import type { MethodContract } from "../../../runtime/contracts.ts";
import { decode, encode } from "./protos.ts";
import { type DiscoveryRequest, decodeRequest } from "./request.ts";

const SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService";
const METHOD = "StreamAggregatedResources";
const DAY_MS = 86_400_000;

interface AdsDefinition {
  // The type of a nice-grpc service definition asks for an index signature.
  [method: string]: MethodDefinition<unknown, DiscoveryRequest, Buffer, unknown, true, true>;
  streamAggregatedResources: MethodDefinition<unknown, DiscoveryRequest, Buffer, unknown, true, true>;
}

/** The service of xDS that serves all types of resources on one stream. Responses are handed over encoded. */
export const adsDefinition: AdsDefinition = {
  streamAggregatedResources: {
    path: `/${SERVICE}/${METHOD}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: (request) => encode("envoy.service.discovery.v3.DiscoveryRequest", request as object),
    requestDeserialize: decodeRequest,
    responseSerialize: (response) => response,
    responseDeserialize: (bytes) => decode("envoy.service.discovery.v3.DiscoveryResponse", bytes),
    options: {},
  },
};

/** Its policy, which its contract, being of others, cannot say. */
export const adsContract: MethodContract = {
  path: adsDefinition.streamAggregatedResources.path,
  service: SERVICE,
  method: METHOD,
  kind: "bidi_streaming",
  idempotent: false,
  infrastructure: true,
  callers: ["*"],
  endUser: EndUser.END_USER_NONE,
  endUserField: undefined,
  defaultDeadlineMs: DAY_MS,
  maxDeadlineMs: DAY_MS,
  retry: undefined,
  maxRequestBytes: 4_194_304,
  // decodeRequest does.
  checkWire: () => undefined,
  validate: () => [],
};
