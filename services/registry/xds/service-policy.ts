import { type FileRegistry, getOption, hasOption, toBinary } from "@bufbuild/protobuf";
import { ServicePolicy } from "../../../gen/mesh/policy/v1/policy.ts";
import { ContractError } from "../../../runtime/contracts.ts";
import { durationMs } from "../../../runtime/duration.ts";

/** What the contracts of a service say about its callers, ready to be told to them. */
interface CallerPolicy {
  /** The most requests that one calling process has in flight. */
  readonly maxConcurrentRequests: number;
  readonly ejection: Ejection;
}

/** When a caller avoids an instance for a while. */
export interface Ejection {
  /** 1 to 100 */
  readonly failurePercentage: number;
  readonly requestVolume: number;
  readonly intervalMs: number;
  readonly baseEjectionTimeMs: number;
  /** 1 to 100 */
  readonly maxEjectionPercent: number;
}

const DEFAULT_MAX_CONCURRENT_REQUESTS = 1_024;
const DEFAULT_EJECTION: Ejection = {
  failurePercentage: 85,
  requestVolume: 20,
  intervalMs: 5_000,
  baseEjectionTimeMs: 10_000,
  maxEjectionPercent: 30,
};

/**
 * The policy of the callers of instances that serve several gRPC services.
 *
 * The largest limit of requests in flight that one of them sets; the ejection
 * of the first, by name, that sets one. Services without a contract or policy have no say.
 *
 * @throws ContractError if one of the policies contradicts itself.
 */
export function callerPolicy(registry: FileRegistry, grpcServices: readonly string[]): CallerPolicy {
  const policies = [...grpcServices].sort().flatMap((typeName) => policyOf(registry, typeName) ?? []);
  const limits = policies.flatMap(({ maxConcurrentRequests }) => maxConcurrentRequests || []);
  return {
    maxConcurrentRequests: limits.length === 0 ? DEFAULT_MAX_CONCURRENT_REQUESTS : Math.max(...limits),
    ejection: policies.find(({ ejection }) => ejection !== undefined)?.ejection ?? DEFAULT_EJECTION,
  };
}

/** Reads the policy of every service of the registry. @throws ContractError if one contradicts itself. */
export function checkServicePolicies(registry: FileRegistry): void {
  for (const type of registry) {
    if (type.kind === "service") policyOf(registry, type.typeName);
  }
}

function policyOf(
  registry: FileRegistry,
  typeName: string,
): { maxConcurrentRequests: number; ejection: Ejection | undefined } | undefined {
  const service = registry.getService(typeName);
  const extension = registry.getExtension("mesh.policy.v1.service");
  if (service === undefined || extension?.message === undefined || !hasOption(service, extension)) return undefined;
  // Across the two code generators the wire format is the common ground.
  const policy = ServicePolicy.decode(toBinary(extension.message, getOption(service, extension) as never));
  return {
    maxConcurrentRequests: policy.maxConcurrentRequests,
    ejection: policy.outlierEjection && ejectionOf(policy.outlierEjection, typeName),
  };
}

function ejectionOf(set: NonNullable<ServicePolicy["outlierEjection"]>, typeName: string): Ejection {
  const ejection = {
    failurePercentage: set.failurePercentage || DEFAULT_EJECTION.failurePercentage,
    requestVolume: set.requestVolume || DEFAULT_EJECTION.requestVolume,
    intervalMs: set.interval ? durationMs(set.interval) : DEFAULT_EJECTION.intervalMs,
    baseEjectionTimeMs: set.baseEjectionTime ? durationMs(set.baseEjectionTime) : DEFAULT_EJECTION.baseEjectionTimeMs,
    maxEjectionPercent: set.maxEjectionPercent || DEFAULT_EJECTION.maxEjectionPercent,
  };
  const refuse = (problem: string): never => {
    throw new ContractError(`${typeName}: outlier_ejection.${problem}`);
  };
  // What clients refuse must not reach them: with it they would refuse all else about the service.
  if (ejection.failurePercentage > 100) refuse("failure_percentage must be 1 to 100");
  if (ejection.maxEjectionPercent > 100) refuse("max_ejection_percent must be 1 to 100");
  if (!(ejection.intervalMs > 0)) refuse("interval must be more than zero");
  if (!(ejection.baseEjectionTimeMs > 0)) refuse("base_ejection_time must be more than zero");
  return ejection;
}
