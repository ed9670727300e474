import type { RetryPolicy } from "@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/RetryPolicy.js";
import type { RouteAction } from "@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/RouteAction.js";
import type { RouteConfiguration } from "@grpc/grpc-js-xds/build/src/generated/envoy/config/route/v3/RouteConfiguration.js";
import { ContractError, type MethodContract, serviceContract } from "../../../runtime/contracts.ts";
import type { RoutedService, VersionShare } from "../routing.ts";
import { clusterNameOf } from "./clusters.ts";
import { duration } from "./duration.ts";
import { FAULT_FILTER, httpFault } from "./fault.ts";
import { compare } from "./order.ts";

/**
 * How the calls to a service are routed (gRFCs A28, A31, A33, A42, A44): one route for each
 * method that has a contract here, and one for all the others.
 *
 * Every route carries the fault, so that setting one only changes values: see httpFault().
 */
export function routesOf(service: RoutedService): RouteConfiguration {
  const typed_per_filter_config = { [FAULT_FILTER]: httpFault(service.fault) };
  const target = targetOf(service);
  const methodRoutes = contractsOf(service.grpcServices).map((contract) => ({
    match: { path: contract.path },
    route: { ...target, ...limitsOf(contract) },
    typed_per_filter_config,
  }));
  const defaultRoute = { match: { prefix: "" }, route: target, typed_per_filter_config };
  return {
    name: service.name,
    virtual_hosts: [{ name: service.name, domains: ["*"], routes: [...methodRoutes, defaultRoute] }],
  };
}

/** The shares of the versions that get calls, by version. Empty if calls are not divided. */
export function sharesOf({ split }: RoutedService): readonly VersionShare[] {
  return split.filter(({ percent }) => percent > 0).toSorted((a, b) => compare(a.version, b.version));
}

/** Where the calls go. */
function targetOf(service: RoutedService): RouteAction {
  const hash_policy = service.balancing.policy === "ring-hash" ? [{ header: { header_name: service.balancing.hashHeader } }] : [];
  const shares = sharesOf(service);
  if (shares.length === 0) return { cluster: clusterNameOf(service.name), hash_policy };
  return {
    weighted_clusters: {
      clusters: shares.map(({ version, percent }) => ({
        name: clusterNameOf(service.name, version),
        weight: { value: percent },
      })),
      // Later clients add up themselves; those of 2022 and before refuse a sum that is not the one said here.
      total_weight: { value: shares.reduce((sum, { percent }) => sum + percent, 0) },
    },
    hash_policy,
  };
}

/** How long a call may take and how often it may be tried. */
function limitsOf({ maxDeadlineMs, retry }: MethodContract): RouteAction {
  return {
    max_stream_duration: { max_stream_duration: duration(maxDeadlineMs) },
    ...(retry && { retry_policy: retryPolicy(retry) }),
  };
}

function retryPolicy(retry: NonNullable<MethodContract["retry"]>): RetryPolicy {
  return {
    retry_on: "unavailable",
    num_retries: { value: retry.maxAttempts - 1 },
    retry_back_off: { base_interval: pause(retry.initialBackoffMs), max_interval: pause(retry.maxBackoffMs) },
  };
}

/**
 * A pause between attempts, of one millisecond to just below one second.
 *
 * grpc-js-xds 1.14 puts the seconds and the rest of a pause together as text:
 * one second becomes ten (protoDurationToSecondsString in resolver-xds.js), and
 * what is below a microsecond no number at all. So it is all said in nanoseconds.
 */
function pause(ms: number): { seconds: number; nanos: number } {
  return { seconds: 0, nanos: Math.min(Math.max(Math.round(ms * 1_000) * 1_000, 1_000_000), 999_999_999) };
}

const known = new Map<string, readonly MethodContract[]>();

/** The contracts of all methods of some services, by path. Services that have none here are left out. */
function contractsOf(grpcServices: readonly string[]): readonly MethodContract[] {
  return [...new Set(grpcServices)].flatMap(contractsOfOne).toSorted((a, b) => compare(a.path, b.path));
}

function contractsOfOne(grpcService: string): readonly MethodContract[] {
  let contracts = known.get(grpcService);
  if (contracts !== undefined) return contracts;
  try {
    contracts = [...serviceContract(grpcService).values()];
  } catch (error) {
    if (error instanceof ContractError) return [];
    throw error;
  }
  known.set(grpcService, contracts);
  return contracts;
}
