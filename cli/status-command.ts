import { Command } from "commander";
import { askRegistry } from "./ask-registry.ts";
import { openAccess } from "./registry-access.ts";
import { type RegistryOptions, withRegistryOptions } from "./registry-option.ts";
import { ownSurroundings, Refused, runCommand, type Surroundings } from "./run-command.ts";
import { onlyService, type StatusDocument } from "./status-document.ts";
import { statusScreen } from "./status-screen.ts";
import { statusNow, watchStatus } from "./status-watch.ts";

export interface StatusOptions extends RegistryOptions {
  json?: boolean;
  watch?: boolean;
}

const HELP = `
Examples:
  bookmesh status                   all services: instances, health, load, traffic rules, who calls whom
  bookmesh status recommendations   one service, and the calls that it makes and gets
  bookmesh status --watch           again after every change, until Ctrl-C
  bookmesh status --json | jq '.services[] | {name, instances: [.instances[].health]}'
  bookmesh status --json --watch    one JSON document a line`;

/** `bookmesh status [service]` */
export function statusCommand(): Command {
  const command = new Command("status")
    .description("Show the services of the mesh: their instances, how they fare, and where calls go.")
    .argument("[service]", "this service alone")
    .option("--json", "one JSON document, for programs")
    .option("--watch", "show it again after every change")
    .addHelpText("after", HELP)
    .action(async (service: string | undefined, options: StatusOptions) => {
      process.exitCode = await status(service, options, ownSurroundings());
    });
  return withRegistryOptions(command);
}

/** @returns the exit status. */
export function status(service: string | undefined, options: StatusOptions, surroundings: Surroundings): Promise<number> {
  const { env, stderr, signal } = surroundings;
  return runCommand(surroundings, async () => {
    using registries = await openAccess(options, env);
    const of = (document: StatusDocument) => (service === undefined ? document : onlyService(document, service));
    const screen = statusScreen(options, surroundings);
    if (!options.watch) {
      const document = await askRegistry(registries, (clients) => statusNow(clients, signal));
      checkRegistered(document, service);
      screen.show(of(document));
      return;
    }

    let shown = 0;
    const show = (document: StatusDocument) => {
      // A registry that has just come back may not know the service yet.
      if (shown++ === 0) checkRegistered(document, service);
      screen.show(of(document));
    };
    try {
      await watchStatus(registries, { show, onGone: (sentence) => void stderr.write(`${sentence}\n`), signal });
    } finally {
      screen.leave();
    }
  });
}

function checkRegistered({ services }: StatusDocument, service: string | undefined): void {
  if (service === undefined || services.some(({ name }) => name === service)) return;
  const known = services.map(({ name }) => name).join(", ");
  throw new Refused(`no instance of ${service} has ever registered; ${known === "" ? "nobody else has" : `there are: ${known}`}`);
}
