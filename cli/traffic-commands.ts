import { Command } from "commander";
import type { BalancingPolicy, VersionShare } from "../gen/mesh/registry/v1/traffic_service.ts";
import { BALANCING_POLICIES } from "../runtime/registry-names.ts";
import { type RegistryOptions, withRegistryOptions } from "./registry-option.ts";
import { ownSurroundings } from "./run-command.ts";
import { abortNames, parseAbort, parseDelay, parsePercent, parsePolicy, parseShare } from "./traffic-arguments.ts";
import {
  type Change,
  changeTraffic,
  ejectInstance,
  type FaultOptions,
  restore,
  setBalancing,
  setFault,
  setSplit,
} from "./traffic-changes.ts";

/** `bookmesh split`, `fault`, `balance`, `eject` and `restore`. */
export function trafficCommands(): Command[] {
  const run = async (options: RegistryOptions, plan: () => Change) => {
    process.exitCode = await changeTraffic(options, plan, ownSurroundings());
  };
  const split = new Command("split")
    .description("Divide the calls to a service between versions of it.")
    .argument("<service>")
    .argument("<shares...>", "<version>=<percent>, 100 together", parseShare)
    .addHelpText("after", "\nExample:\n  bookmesh split recommendations v1=90 v2=10")
    .action((service: string, shares: VersionShare[], options: RegistryOptions) => run(options, () => setSplit(service, shares)));
  const fault = new Command("fault")
    .description("Make a share of the calls to a service slow, or fail.")
    .argument("<service>")
    .option("--delay <time>", "how long they wait before they are sent: 200ms, 1.5s", parseDelay)
    .option("--abort <status>", `the status with which they fail without being sent: ${abortNames.join(", ")}`, parseAbort)
    .option("--percent <number>", "the share of the calls, 1 to 100; delay and abort are drawn apart", parsePercent, 100)
    .addHelpText("after", FAULT_HELP)
    .action((service: string, options: RegistryOptions & FaultOptions) => run(options, () => setFault(service, options)));
  const balance = new Command("balance")
    .description("Choose how clients pick among the instances of a service.")
    .argument("<service>")
    .argument("<policy>", Object.keys(BALANCING_POLICIES).join(", "), parsePolicy)
    .option("--header <name>", "for ring-hash: the request header whose value decides")
    .addHelpText("after", BALANCE_HELP)
    .action((service: string, policy: BalancingPolicy, options: RegistryOptions & { header?: string }) =>
      run(options, () => setBalancing(service, policy, options.header)),
    );
  const eject = new Command("eject")
    .description("Send no calls to an instance, however well it is.")
    .argument("<instance>", 'its id, as "bookmesh status" shows it')
    .addHelpText("after", "\nExample:\n  bookmesh eject recommendations-5f2a1c")
    .action((instance: string, options: RegistryOptions) => run(options, () => ejectInstance(instance)));
  const restoreAll = new Command("restore")
    .description("Undo split, fault, balance and eject: for one service, for one instance, or for all.")
    .argument("[target]", "a service or the id of an instance; everything if it is left out")
    .addHelpText("after", RESTORE_HELP)
    .action((target: string | undefined, options: RegistryOptions) => run(options, () => restore(target)));
  return [split, fault, balance, eject, restoreAll].map(withRegistryOptions);
}

const FAULT_HELP = `
Examples:
  bookmesh fault recommendations --delay 200ms                        every call waits
  bookmesh fault recommendations --abort UNAVAILABLE --percent 20     one call in five fails
  bookmesh restore recommendations                                    no more of it`;

const BALANCE_HELP = `
Examples:
  bookmesh balance recommendations least-request
  bookmesh balance push ring-hash --header x-user-id    calls of one user go to one instance`;

const RESTORE_HELP = `
Examples:
  bookmesh restore
  bookmesh restore recommendations
  bookmesh restore recommendations-5f2a1c`;
