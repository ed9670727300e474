import { InvalidArgumentError } from "commander";
import { Status } from "nice-grpc-common";
import type { BalancingPolicy, VersionShare } from "../gen/mesh/registry/v1/traffic_service.ts";
import { BALANCING_POLICIES, type PolicyName } from "../runtime/registry-names.ts";

const LONGEST_DELAY_MS = 60_000;

/** "v1=90", for one of several arguments. */
export function parseShare(text: string, earlier: readonly VersionShare[] = []): VersionShare[] {
  const [, version = "", percent = ""] = /^([^=]+)=(\d{1,3})$/.exec(text) ?? [];
  if (version === "" || Number(percent) > 100) {
    throw new InvalidArgumentError("Expected <version>=<percent>, as in v1=90.");
  }
  return [...earlier, { version, percent: Number(percent) }];
}

/** "200ms" or "1.5s". @returns milliseconds. */
export function parseDelay(text: string): number {
  const [, number = "", unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
  const delayMs = Number(number) * (unit === "s" ? 1_000 : 1);
  if (!(delayMs > 0 && delayMs <= LONGEST_DELAY_MS)) throw new InvalidArgumentError("Expected 200ms or 1.5s, up to 60s.");
  return delayMs;
}

/** 1 to 100. */
export function parsePercent(text: string): number {
  const percent = Number(text);
  if (!/^\d{1,3}$/.test(text) || percent < 1 || percent > 100) throw new InvalidArgumentError("Expected a number from 1 to 100.");
  return percent;
}

/** The names of the statuses of gRPC that are failures. */
export const abortNames: readonly string[] = Object.keys(Status).filter(
  (name) => !/^-?\d/.test(name) && name !== "OK" && name !== "UNRECOGNIZED",
);

/** "UNAVAILABLE", in any case. */
export function parseAbort(text: string): Status {
  const name = text.toUpperCase();
  if (!abortNames.includes(name)) throw new InvalidArgumentError(`Expected one of ${abortNames.join(", ")}.`);
  return Status[name as keyof typeof Status];
}

/** "round-robin" */
export function parsePolicy(text: string): BalancingPolicy {
  if (!Object.hasOwn(BALANCING_POLICIES, text)) {
    throw new InvalidArgumentError(`Expected one of ${Object.keys(BALANCING_POLICIES).join(", ")}.`);
  }
  return BALANCING_POLICIES[text as PolicyName];
}
