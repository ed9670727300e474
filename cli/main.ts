import { Command } from "commander";
import { EXIT_BAD_CONFIG } from "../runtime/config.ts";
import { administratorCommand } from "./administrator-command.ts";
import { certsCommand } from "./certs/certs-command.ts";
import { eventsCommand } from "./events-command.ts";
import { importCommand } from "./import-command.ts";
import { relayCommand } from "./relay-command.ts";
import { statusCommand } from "./status-command.ts";
import { trafficCommands } from "./traffic-commands.ts";
import { upCommand } from "./up.ts";
import { xdsBootstrapCommand } from "./xds-bootstrap-command.ts";

const program = new Command("bookmesh")
  .description("Runs and works on a mesh of Bookmesh servers.")
  // Commander's own status for a misspelt option is 1, which says nothing.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_BAD_CONFIG));

const commands = [
  upCommand(),
  statusCommand(),
  ...trafficCommands(),
  eventsCommand(),
  certsCommand(),
  xdsBootstrapCommand(),
  relayCommand(),
  administratorCommand(),
  importCommand(),
];
for (const command of commands) {
  program.addCommand(command.copyInheritedSettings(program));
  for (const subcommand of command.commands) subcommand.copyInheritedSettings(program);
}

await program.parseAsync();
