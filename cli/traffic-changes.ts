import { Status } from "nice-grpc-common";
import type { TrafficClient } from "../clients/registry.ts";
import { BalancingPolicy, type TrafficRules, type VersionShare } from "../gen/mesh/registry/v1/traffic_service.ts";
import { durationOf } from "../runtime/duration.ts";
import { askRegistry } from "./ask-registry.ts";
import { BadSettings } from "./bad-settings.ts";
import { printable } from "./printable.ts";
import { openAccess } from "./registry-access.ts";
import type { RegistryOptions } from "./registry-option.ts";
import { runCommand, type Surroundings } from "./run-command.ts";
import { rulesInWords, trafficStatus } from "./traffic-status.ts";

/** Changes something, and says in a sentence what holds now. */
export type Change = (traffic: TrafficClient, call: { signal: AbortSignal }) => Promise<string>;

/**
 * @param plan throws BadSettings for what no registry needs to be asked about.
 * @returns the exit status.
 */
export function changeTraffic(options: RegistryOptions, plan: () => Change, surroundings: Surroundings): Promise<number> {
  const { env, stdout, signal } = surroundings;
  return runCommand(surroundings, async () => {
    const change = plan();
    using registries = await openAccess(options, env);
    const sentence = await askRegistry(registries, ({ traffic }) => change(traffic, { signal }));
    stdout.write(`${printable(sentence)}\n`);
  });
}

export function setSplit(service: string, shares: VersionShare[]): Change {
  return async (client, call) => holds(service, await client.setSplit({ service, shares }, call));
}

export interface FaultOptions {
  /** In milliseconds. */
  delay?: number;
  abort?: Status;
  percent: number;
}

export function setFault(service: string, { delay, abort = Status.OK, percent }: FaultOptions): Change {
  const fault = { percent, delay: delay === undefined ? undefined : durationOf(delay), abortCode: abort };
  if (delay === undefined && abort === Status.OK) throw new BadSettings("give --delay, --abort, or both");
  return async (client, call) => holds(service, await client.setFault({ service, fault }, call));
}

export function setBalancing(service: string, policy: BalancingPolicy, hashHeader = ""): Change {
  if (hashHeader !== "" && policy !== BalancingPolicy.BALANCING_POLICY_RING_HASH) {
    throw new BadSettings("--header is for ring-hash only");
  }
  return async (client, call) => holds(service, await client.setBalancing({ service, balancing: { policy, hashHeader } }, call));
}

export function ejectInstance(instanceId: string): Change {
  return async (client, call) => {
    const { traffic } = await client.ejectInstance({ instanceId }, call);
    const others = (traffic?.ejectedInstanceIds ?? []).filter((id) => id !== instanceId);
    return `${instanceId} gets no calls until it is restored${others.length > 0 ? `, nor do ${others.join(", ")}` : ""}.`;
  };
}

/** @param target a service or the id of an instance; everything if it is left out. */
export function restore(target = ""): Change {
  return async (client, call) => {
    const { services } = await client.restore({ target }, call);
    const whose = services.length === 0 ? "no service" : services.join(", ");
    if (target === "") return `Nothing is set for any service any more; undone: ${whose}.`;
    return services.includes(target)
      ? `Nothing is set for ${target} any more.`
      : `What was set for ${target} is undone (${whose}).`;
  };
}

function holds(service: string, { traffic }: { traffic: TrafficRules | undefined }): string {
  const rules = rulesInWords(trafficStatus(traffic));
  return rules.length === 0 ? `${service}: nothing is set.` : `${service}: ${rules.join("; ")}.`;
}
