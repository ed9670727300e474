import { Health } from "../gen/mesh/registry/v1/instance.ts";
import { BalancingPolicy } from "../gen/mesh/registry/v1/traffic_service.ts";
import { BALANCING_POLICIES, HEALTHS, healthName, policyName } from "./registry-names.ts";

test("every health has a name of its own", () => {
  const numbers = Object.values(Health).filter((value) => typeof value === "number" && value !== Health.UNRECOGNIZED);
  expect(Object.values(HEALTHS).sort()).toEqual(numbers.sort());
  expect(Object.values(HEALTHS).map(healthName)).toEqual(Object.keys(HEALTHS));
});

test("every policy has a name of its own", () => {
  const { UNRECOGNIZED, BALANCING_POLICY_UNSPECIFIED } = BalancingPolicy;
  const none: unknown[] = [UNRECOGNIZED, BALANCING_POLICY_UNSPECIFIED];
  const numbers = Object.values(BalancingPolicy).filter((value) => typeof value === "number" && !none.includes(value));
  expect(Object.values(BALANCING_POLICIES).sort()).toEqual(numbers.sort());
  expect(Object.values(BALANCING_POLICIES).map(policyName)).toEqual(Object.keys(BALANCING_POLICIES));
});

test("what has no name is unknown, or none", () => {
  expect(healthName(99 as Health)).toBe("unknown");
  expect(policyName(BalancingPolicy.BALANCING_POLICY_UNSPECIFIED)).toBeUndefined();
});
