import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "./logger.ts";
import { registryAddresses } from "./registry-addresses.ts";

const CONNECT_TIMEOUT_MS = 2_000;
/** How soon the registries are tried again when none of them answers. */
const TRY_AGAIN_MS = 250;
/** The registry pings every ten seconds: one from which nothing comes for longer is gone without a word. */
const SILENCE_MS = 13_000;

export interface RegistryRelay {
  /** What xDS clients of this process take for their control plane: "unix:<socket>". */
  readonly uri: string;
  close(): Promise<void>;
}

/**
 * A socket of this process that leads to whichever registry answers.
 *
 * The xDS client of grpc-js knows one control plane, backs off from it for up to
 * two minutes, and does not notice for five that it is gone. Behind the relay it
 * finds the next registry at once, and the same one as soon as it is back: a
 * connection waits here until there is a registry to pass it on to.
 *
 * @param registries "host:port" of each; the one that answered last is asked first.
 */
export async function startRegistryRelay(options: {
  registries: readonly string[];
  logger: Logger;
  /** How long a registry may say nothing before another one is asked. The default is 13,000. */
  silenceMs?: number;
}): Promise<RegistryRelay> {
  const { silenceMs = SILENCE_MS } = options;
  const folder = await mkdtemp(join(tmpdir(), "bookmesh-xds-"));
  const path = join(folder, "socket");
  const clients = new Set<Socket>();
  let preferred = "";

  const pass = async (client: Socket) => {
    while (!client.destroyed) {
      for (const address of inOrder(await registryAddresses(options.registries), preferred)) {
        const registry = client.destroyed ? undefined : await connect(address, silenceMs);
        if (registry === undefined) continue;
        preferred = address;
        options.logger.debug({ registry: address }, "connected to a registry by xDS");
        client.pipe(registry).pipe(client);
        client.once("close", () => registry.destroy());
        registry.once("close", () => client.destroy());
        return;
      }
      await delay(TRY_AGAIN_MS, undefined, { ref: false });
    }
  };

  const server = createServer({ pauseOnConnect: true }, (client) => {
    clients.add(client);
    client.on("error", () => {});
    client.once("close", () => clients.delete(client));
    void pass(client);
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
  // Nothing but xDS clients needs the relay: it does not keep a process alive.
  server.unref();

  return {
    uri: `unix:${path}`,
    async close() {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The one that answered last comes first. The others come at random: not all clients of a mesh are to go to the same. */
function inOrder(addresses: readonly string[], preferred: string): string[] {
  const rank = new Map(addresses.map((address) => [address, address === preferred ? -1 : Math.random()]));
  return addresses.toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
}

/** A connection to a registry, or undefined if it does not answer. */
function connect(address: string, silenceMs: number): Promise<Socket | undefined> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const socket = createConnection({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port), noDelay: true });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy());
    socket.on("error", () => {});
    socket.once("close", () => resolve(undefined));
    socket.once("connect", () => {
      socket.setTimeout(silenceMs);
      resolve(socket);
    });
  });
}
