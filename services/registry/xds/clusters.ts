import type { Cluster } from "@grpc/grpc-js-xds/build/src/generated/envoy/config/cluster/v3/Cluster.js";
import { contracts } from "../../../runtime/contracts.ts";
import type { Balancing, RoutedService } from "../routing.ts";
import { duration } from "./duration.ts";
import { type AnyMessage, pack, TYPE_URL_PREFIX } from "./protos.ts";
import { callerPolicy, type Ejection } from "./service-policy.ts";

/** The cluster of a service, or of one version of it. A service cannot have the separator in its name. */
export function clusterNameOf(service: string, version?: string): string {
  return version === undefined ? service : `${service}|${version}`;
}

/** How clients treat the endpoints of a cluster (gRFCs A27, A32, A42, A50, A52). */
export function clusterOf(name: string, { balancing, grpcServices }: RoutedService): Cluster {
  const { maxConcurrentRequests, ejection } = callerPolicy(contracts, grpcServices);
  return {
    name,
    type: "EDS",
    eds_cluster_config: { service_name: name, eds_config: { ads: {}, resource_api_version: "V3" } },
    ...pickingPolicy(balancing),
    circuit_breakers: { thresholds: [{ priority: "DEFAULT", max_requests: { value: maxConcurrentRequests } }] },
    outlier_detection: outlierDetection(ejection),
  };
}

/**
 * How clients pick among the endpoints of one locality.
 *
 * Ring hash and pick first are the policies that all languages have besides
 * round robin; a client without least request goes round. The others are made
 * of localities: see localitiesOf().
 *
 * Clients that know nothing of load_balancing_policy, which is gRFC A52, take
 * round robin. They could take ring hash by lb_policy, but C-core 1.50 and
 * 1.51, which are among them, end their process when they pick by it.
 */
function pickingPolicy({ policy }: Balancing): Cluster {
  const policies = POLICIES[policy];
  return { lb_policy: "ROUND_ROBIN", ...(policies && { load_balancing_policy: { policies } }) };
}

/** A client takes the first that it knows. */
const POLICIES: Partial<Record<Balancing["policy"], ReturnType<typeof extension>[]>> = {
  "ring-hash": [
    extension("ring_hash", pack("envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash", { hash_function: "XX_HASH" })),
  ],
  // gRFC A48, which grpc-js has from clients/least-request.ts, under the name that gRFC A52 gives to policies of one's own.
  "least-request": [
    extension("least_request", pack("envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest", {})),
    extension("least_request", ownPolicy("least_request_experimental")),
    extension("round_robin", pack("envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin", {})),
  ],
  "pick-first": [
    // gRFC A62.
    extension("pick_first", pack("envoy.extensions.load_balancing_policies.pick_first.v3.PickFirst", {})),
    // For clients that do not have it yet or, as grpc-js 1.14, only if an environment variable says so.
    extension("pick_first", ownPolicy("pick_first")),
  ],
};

/** A policy by the name that it has in a client. */
function ownPolicy(name: string): AnyMessage {
  return pack("xds.type.v3.TypedStruct", { type_url: `${TYPE_URL_PREFIX}${name}`, value: { fields: {} } });
}

function extension(name: string, typed_config: AnyMessage) {
  return { typed_extension_config: { name, typed_config } };
}

function outlierDetection(ejection: Ejection): NonNullable<Cluster["outlier_detection"]> {
  return {
    interval: duration(ejection.intervalMs),
    base_ejection_time: duration(ejection.baseEjectionTimeMs),
    max_ejection_percent: { value: ejection.maxEjectionPercent },
    failure_percentage_threshold: { value: ejection.failurePercentage },
    failure_percentage_request_volume: { value: ejection.requestVolume },
    failure_percentage_minimum_hosts: { value: 2 },
    enforcing_failure_percentage: { value: 100 },
    // On unless it is said to be off.
    enforcing_success_rate: { value: 0 },
  };
}
