import { hostname } from "node:os";
import { Command } from "commander";
import { xdsBootstrap } from "../runtime/xds-bootstrap.ts";
import { type RegistryOptions, registriesFrom, withRegistryOptions } from "./registry-option.ts";
import { ownSurroundings, runCommand, type Surroundings } from "./run-command.ts";

export interface XdsBootstrapOptions extends RegistryOptions {
  nodeId?: string;
}

const HELP = `
Examples:
  bookmesh xds-bootstrap > bootstrap.json
  GRPC_XDS_BOOTSTRAP=bootstrap.json ./client                                  any gRPC client that knows xDS
  GRPC_XDS_BOOTSTRAP_CONFIG=$(bookmesh xds-bootstrap) ./client
The client then calls "xds:///recommendations". Each client that runs at the same time needs a node id of its own.
The registry need not run.`;

/** `bookmesh xds-bootstrap` */
export function xdsBootstrapCommand(): Command {
  const command = new Command("xds-bootstrap")
    .description("Print the bootstrap document with which any gRPC client takes part in the mesh.")
    .option("--node-id <id>", "what the client calls itself (default: cli-<host>-<process>)")
    .addHelpText("after", HELP)
    .action(async (options: XdsBootstrapOptions) => {
      process.exitCode = await printXdsBootstrap(options, ownSurroundings());
    });
  return withRegistryOptions(command);
}

/** @returns the exit status. */
export function printXdsBootstrap(options: XdsBootstrapOptions, surroundings: Surroundings): Promise<number> {
  const { env, stdout } = surroundings;
  return runCommand(surroundings, async () => {
    const nodeId = options.nodeId ?? `cli-${hostname()}-${process.pid}`;
    stdout.write(`${xdsBootstrap({ registries: registriesFrom(options, env), nodeId, cluster: "external" })}\n`);
  });
}
