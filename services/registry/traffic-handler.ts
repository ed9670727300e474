import type {
  BalancingPolicy,
  Fault as FaultMessage,
  TrafficRules,
  TrafficServiceImplementation,
} from "../../gen/mesh/registry/v1/traffic_service.ts";
import { currentCall } from "../../runtime/call-context.ts";
import { durationMs } from "../../runtime/duration.ts";
import { invalidField } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { policyName } from "../../runtime/registry-names.ts";
import { audited } from "./audit.ts";
import { rulesMessage } from "./messages.ts";
import type { Balancing, Fault } from "./routing.ts";
import { checkBalancing, checkFault, NO_RULES } from "./traffic.ts";
import type { Change, TrafficControl } from "./traffic-control.ts";

export interface TrafficDeps {
  control: TrafficControl;
  logger: Logger;
}

/** Implements mesh.registry.v1.TrafficService. */
export function trafficHandler({ control, logger }: TrafficDeps): TrafficServiceImplementation {
  return {
    async setSplit({ service, shares }) {
      const command = { command: "SetSplit", target: service };
      const change = await audited(logger, currentCall()?.caller, command, async () => control.setSplit(service, shares));
      return { traffic: rulesAfter(change) };
    },

    async setFault({ service, fault }) {
      const command = { command: "SetFault", target: service };
      const change = await audited(logger, currentCall()?.caller, command, async () => control.setFault(service, faultOf(fault)));
      return { traffic: rulesAfter(change) };
    },

    async setBalancing({ service, balancing }) {
      const { policy, hashHeader } = balancing ?? {};
      const command = { command: "SetBalancing", target: service };
      const change = await audited(logger, currentCall()?.caller, command, async () =>
        control.setBalancing(service, balancingOf(policy, hashHeader)),
      );
      return { traffic: rulesAfter(change) };
    },

    async ejectInstance({ instanceId }) {
      const command = { command: "EjectInstance", target: instanceId };
      const change = await audited(logger, currentCall()?.caller, command, async () => control.eject(instanceId));
      return { traffic: rulesAfter(change) };
    },

    async restore({ target }) {
      const change = await audited(logger, currentCall()?.caller, { command: "Restore", target }, async () =>
        control.restore(target),
      );
      return { services: [...change.services] };
    },
  };
}

/** The rules of the one service that a command was about. */
function rulesAfter({ services: [service = ""], after }: Change): TrafficRules {
  return rulesMessage(after.get(service) ?? NO_RULES);
}

function faultOf(message: FaultMessage | undefined): Fault {
  if (message === undefined) throw invalidField("fault", "is required");
  const { percent, delay, abortCode } = message;
  const delayMs = delay && durationMs(delay);
  checkFault({ delayMs, abortCode });
  // What is less than a millisecond is one: 0 would be no delay.
  return { percent, abortCode, delayMs: delayMs === undefined ? 0 : Math.max(1, Math.round(delayMs)) };
}

function balancingOf(policy: BalancingPolicy | undefined, hashHeader = ""): Balancing {
  const name = policy === undefined ? undefined : policyName(policy);
  if (name === undefined) throw invalidField("balancing.policy", "is required");
  return checkBalancing(name, hashHeader);
}
