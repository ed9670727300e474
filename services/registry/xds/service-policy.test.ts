import { create, createFileRegistry, type FileRegistry, fromJson, type JsonValue, setExtension } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, ServiceOptionsSchema } from "@bufbuild/protobuf/wkt";
import { ContractError, contracts } from "../../../runtime/contracts.ts";
import { callerPolicy, checkServicePolicies } from "./service-policy.ts";

const DEFAULT_EJECTION = {
  failurePercentage: 85,
  requestVolume: 20,
  intervalMs: 5_000,
  baseEjectionTimeMs: 10_000,
  maxEjectionPercent: 30,
};

test("a service without policy has the defaults", () => {
  expect(callerPolicy(contracts, ["bookmesh.testing.v1.EchoService", "nobody.knows.It"])).toEqual({
    maxConcurrentRequests: 1_024,
    ejection: DEFAULT_EJECTION,
  });
});

test("reads what a policy says, and has defaults for the rest", () => {
  const registry = registryOf({
    Alpha: {
      maxConcurrentRequests: 7,
      outlierEjection: { failurePercentage: 50, interval: "0.5s", baseEjectionTime: "2s" },
    },
  });

  expect(callerPolicy(registry, ["lone.v1.Alpha"])).toEqual({
    maxConcurrentRequests: 7,
    ejection: { ...DEFAULT_EJECTION, failurePercentage: 50, intervalMs: 500, baseEjectionTimeMs: 2_000 },
  });
});

test("of several services the largest limit counts, and the first ejection by name, in whatever order they are listed", () => {
  const registry = registryOf({
    Alpha: { maxConcurrentRequests: 100 },
    Beta: { maxConcurrentRequests: 300, outlierEjection: { requestVolume: 2 } },
    Gamma: { outlierEjection: { requestVolume: 3 } },
  });
  const expected = { maxConcurrentRequests: 300, ejection: { ...DEFAULT_EJECTION, requestVolume: 2 } };

  expect(callerPolicy(registry, ["lone.v1.Alpha", "lone.v1.Beta", "lone.v1.Gamma"])).toEqual(expected);
  expect(callerPolicy(registry, ["lone.v1.Gamma", "lone.v1.Beta", "lone.v1.Alpha"])).toEqual(expected);
});

test.each([
  [{ failurePercentage: 101 }, "failure_percentage must be 1 to 100"],
  [{ maxEjectionPercent: 101 }, "max_ejection_percent must be 1 to 100"],
  [{ interval: "0s" }, "interval must be more than zero"],
  [{ baseEjectionTime: "-1s" }, "base_ejection_time must be more than zero"],
])("refuses a policy with %j, which clients would refuse", (outlierEjection, problem) => {
  const registry = registryOf({ Alpha: { outlierEjection } });

  expect(() => checkServicePolicies(registry)).toThrow(new ContractError(`lone.v1.Alpha: outlier_ejection.${problem}`));
});

test("every contract of the repository has a policy that clients accept", () => {
  expect(() => checkServicePolicies(contracts)).not.toThrow();
});

/** All contracts of the repository, and services of package lone.v1 with the given policies as JSON. */
function registryOf(policies: Record<string, JsonValue>): FileRegistry {
  const extension = contracts.getExtension("mesh.policy.v1.service");
  const schema = contracts.getMessage("mesh.policy.v1.ServicePolicy");
  if (extension === undefined || schema === undefined) throw new Error("the policy contract is missing");
  const service = Object.entries(policies).map(([name, policy]) => {
    const options = create(ServiceOptionsSchema);
    setExtension(options, extension, fromJson(schema, policy));
    return { name, options };
  });
  const file = {
    name: "lone/v1/lone_service.proto",
    package: "lone.v1",
    syntax: "proto3",
    dependency: ["mesh/policy/v1/policy.proto"],
    service,
  };
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [...[...contracts.files].map(({ proto }) => proto), file] }));
}
