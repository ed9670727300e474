import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { resolve } from "node:path";
import { Command } from "commander";
import { createLogger } from "../runtime/logger.ts";
import { startRegistryRelay } from "../runtime/registry-relay.ts";
import { spiffeId } from "../runtime/spiffe.ts";
import { openCredentials } from "./registry-access.ts";
import { type RegistryOptions, registriesFrom, withRegistryOptions } from "./registry-option.ts";
import { defaultSocket, listenOnSocket, parseSocket } from "./relay-socket.ts";
import { ownSurroundings, runCommand, type Surroundings } from "./run-command.ts";

export interface RelayOptions extends RegistryOptions {
  socket?: string;
}

const HELP = `
Examples:
  bookmesh relay &
  GRPC_XDS_BOOTSTRAP_CONFIG=$(bookmesh xds-bootstrap --relay) ./client
  bookmesh relay --socket /run/user/1000/registries.sock --credentials ~/bookmesh --registry registry.example:50050

It is for xDS clients that can speak to their control plane in plaintext only. Only this user can open the socket, and
what goes out of this machine is secured: by TLS, with the certificate of --credentials. It goes to another registry when
one is gone. Standard output is the address for a bootstrap, when clients can connect.`;

/** `bookmesh relay` */
export function relayCommand(): Command {
  const command = new Command("relay")
    .description("Let xDS clients on this machine reach the registries through a socket, until Ctrl-C.")
    .option("--socket <path>", "where to listen (default: relay.sock in the data folder)", parseSocket)
    .addHelpText("after", HELP)
    .action(async (options: RelayOptions) => {
      process.exitCode = await relay(options, ownSurroundings());
    });
  return withRegistryOptions(command);
}

/** @returns the exit status, when the signal has aborted. */
export function relay(options: RelayOptions, surroundings: Surroundings): Promise<number> {
  const { env, stdout, stderr, signal } = surroundings;
  return runCommand(surroundings, async () => {
    await using stack = new AsyncDisposableStack();
    const registries = registriesFrom(options, env);
    const credentials = stack.adopt(await openCredentials(options, env), (opened) => opened.close());
    const logger = createLogger({ name: "relay", level: "warn", destination: { write: (line) => void stderr.write(line) } });
    const { uri } = stack.adopt(await startRegistryRelay({ registries, credentials, logger }), (started) => started.close());

    const clients = new Set<Socket>();
    const path = resolve(options.socket ?? defaultSocket(options.data));
    const server = await listenOnSocket(path, (client) => {
      clients.add(client.once("close", () => clients.delete(client)));
      join(client, createConnection(uri.slice("unix:".length)));
    });
    stack.defer(async () => {
      for (const client of clients) client.destroy();
      await new Promise((done) => server.close(done));
    });
    stderr.write(`Leads to ${registries.join(" or ")} as ${spiffeId(credentials.identity)}. Ctrl-C ends it.\n`);
    stdout.write(`unix:${path}\n`);
    if (!signal.aborted) await once(signal, "abort");
  });
}

/** Two ends of one connection: when one is gone, so is the other. */
function join(one: Socket, other: Socket): void {
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    socket.on("error", () => {});
    socket.once("close", () => peer.destroy());
    socket.pipe(peer);
  }
}
