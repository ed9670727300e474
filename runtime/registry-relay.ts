import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "./logger.ts";
import { registryAddresses } from "./registry-addresses.ts";
import type { ChannelSecurity } from "./security.ts";

/** Whoever answers has to prove that it is this service. */
const REGISTRY = "registry";
const CONNECT_TIMEOUT_MS = 2_000;
/** How soon the registries are tried again when none of them answers. */
const TRY_AGAIN_MS = 250;
/** The registry pings every ten seconds: one from which nothing comes for longer is gone without a word. */
const SILENCE_MS = 13_000;
/** What a server of HTTP/2 says first (RFC 9113, section 3.4). */
const HTTP2_SETTINGS = 4;
const HTTP2_FRAME_TYPE = 3;

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
 * @param registries "host:port" of each; the one that has answered last is asked first, one that has accepted and not answered last.
 */
export async function startRegistryRelay(options: {
  registries: readonly string[];
  credentials: ChannelSecurity;
  logger: Logger;
  /** How long a registry may say nothing before another one is asked. The default is 13,000. */
  silenceMs?: number;
}): Promise<RegistryRelay> {
  const { silenceMs = SILENCE_MS } = options;
  const folder = await mkdtemp(join(tmpdir(), "bookmesh-xds-"));
  const path = join(folder, "socket");
  const clients = new Set<Socket>();
  const experience = new Experience();

  const pass = async (client: Socket) => {
    while (!client.destroyed) {
      for (const address of experience.inOrder(await registryAddresses(options.registries))) {
        const registry = client.destroyed ? undefined : await connect(address, options.credentials, experience);
        if (registry === undefined) continue;
        options.logger.debug({ registry: address }, "connected to a registry by xDS");
        let works = false;
        registry.once("data", (bytes: Buffer) => {
          works = bytes[HTTP2_FRAME_TYPE] === HTTP2_SETTINGS;
          if (works) experience.works(address);
        });
        registry.setTimeout(silenceMs, () => {
          works = false;
          registry.destroy();
        });
        registry.once("close", () => {
          if (!works) experience.fails(address);
          client.destroy();
        });
        client.once("close", () => registry.destroy());
        if (client.destroyed) registry.destroy();
        client.pipe(registry).pipe(client);
        return;
      }
      await delay(TRY_AGAIN_MS, undefined, { ref: false });
    }
  };

  const server = createServer({ pauseOnConnect: true }, (client) => {
    clients.add(client);
    client.on("error", () => {});
    client.once("close", () => clients.delete(client));
    pass(client).catch((error: unknown) => {
      options.logger.error({ err: error }, "could not pass an xDS client on");
      client.destroy();
    });
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

/** What the registries were like so far. */
class Experience {
  #last = "";
  readonly #failed = new Set<string>();

  works(address: string): void {
    this.#last = address;
    this.#failed.delete(address);
  }

  /** It accepts connections, and that is all: it does not prove that it is a registry, or says nothing. */
  fails(address: string): void {
    // To the end, behind those that have failed before.
    this.#failed.delete(address);
    this.#failed.add(address);
  }

  /** The one that worked last, then those of which nothing is known, at random: not all clients of a mesh are to go to the same. */
  inOrder(addresses: readonly string[]): string[] {
    const failed = [...this.#failed];
    const rank = new Map(
      addresses.map((address) => {
        if (this.#failed.has(address)) return [address, 1 + failed.indexOf(address)];
        return [address, address === this.#last ? -1 : Math.random()];
      }),
    );
    return addresses.toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
  }
}

/** A secured connection to a registry, or undefined if there is none. */
async function connect(address: string, credentials: ChannelSecurity, experience: Experience): Promise<Socket | undefined> {
  const socket = await connectPlainly(address);
  if (socket === undefined) return undefined;
  try {
    return await credentials.secure(socket, REGISTRY);
  } catch {
    experience.fails(address);
    socket.destroy();
    return undefined;
  }
}

function connectPlainly(address: string): Promise<Socket | undefined> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const socket = createConnection({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port), noDelay: true });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy());
    socket.on("error", () => {});
    socket.once("close", () => resolve(undefined));
    socket.once("connect", () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}
