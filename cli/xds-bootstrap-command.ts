import { hostname } from "node:os";
import { resolve } from "node:path";
import { Command } from "commander";
import { xdsBootstrap } from "../runtime/xds-bootstrap.ts";
import { credentialsFolder } from "./registry-access.ts";
import { type RegistryOptions, registriesFrom, withRegistryOptions } from "./registry-option.ts";
import { defaultSocket, parseSocket } from "./relay-socket.ts";
import { ownSurroundings, runCommand, type Surroundings } from "./run-command.ts";

export interface XdsBootstrapOptions extends RegistryOptions {
  nodeId?: string;
  /** The socket of `bookmesh relay`; true for that in the data folder. */
  relay?: string | true;
}

const HELP = `
Examples:
  bookmesh xds-bootstrap > bootstrap.json
  GRPC_XDS_BOOTSTRAP=bootstrap.json ./client                                  a client of grpc-go, grpc-java or gRPC C++
  GRPC_XDS_BOOTSTRAP_CONFIG=$(bookmesh xds-bootstrap --relay) ./client        any gRPC client that knows xDS
The client then calls "xds:///recommendations", by TLS with the three files of --credentials, and so it calls the registries.
Clients that cannot do the latter (they know no "tls" in a bootstrap, gRFC A65: Node.js and older ones) go through a relay,
which "bookmesh relay" runs on the same machine. Each client that runs at the same time needs a node id of its own.
The registry need not run, nor the relay.`;

/** `bookmesh xds-bootstrap` */
export function xdsBootstrapCommand(): Command {
  const command = new Command("xds-bootstrap")
    .description("Print the bootstrap document with which any gRPC client takes part in the mesh.")
    .option("--node-id <id>", "what the client calls itself (default: cli-<host>-<process>)")
    .option(
      "--relay [socket]",
      'the registries are behind this socket of "bookmesh relay" (default: that in the data folder)',
      parseSocket,
    )
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
    const { relay, data, nodeId = `cli-${hostname()}-${process.pid}` } = options;
    const socket = relay === true ? defaultSocket(data) : relay;
    const registries = socket === undefined ? registriesFrom(options, env) : [`unix:${resolve(socket)}`];
    const credentialsDir = resolve(credentialsFolder(options, env));
    stdout.write(`${xdsBootstrap({ registries, nodeId, cluster: "external", credentialsDir })}\n`);
  });
}
