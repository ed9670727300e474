import { Command } from "commander";
import { EXIT_BAD_CONFIG } from "../runtime/config.ts";
import { importCommand } from "./import-command.ts";
import { upCommand } from "./up.ts";

const program = new Command("bookmesh")
  .description("Runs and works on a mesh of Bookmesh servers.")
  // Commander's own status for a misspelt option is 1, which says nothing.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_BAD_CONFIG));

program.addCommand(upCommand().copyInheritedSettings(program));
program.addCommand(importCommand().copyInheritedSettings(program));

await program.parseAsync();
