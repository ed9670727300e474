import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { type Placement, portsOf } from "./placement.ts";
import { settingOf } from "./services.ts";

/** Thrown when ports cannot be had. The message has one line for each of them. */
export class PortsTaken extends Error {
  override readonly name = "PortsTaken";
}

/**
 * Makes sure, by binding them, that all ports are free, and chooses one for each port that is 0.
 *
 * The ports are free again when this resolves: the services bind them next.
 *
 * @throws PortsTaken
 */
export async function claimPorts(placements: readonly Placement[]): Promise<Placement[]> {
  const servers: Server[] = [];
  const chosen = new Map(placements.map((placement) => [placement, { ...placement.ports }]));
  const problems: string[] = [];
  try {
    // All are held until the last one is bound, so that no number is chosen twice, and what is asked for goes
    // before what is chosen.
    const ports = [...portsOf(placements)].sort((a, b) => Number(a.port === 0) - Number(b.port === 0));
    for (const { placement, setting, name, port } of ports) {
      const server = createServer();
      try {
        server.listen({ host: placement.host, port, exclusive: true });
        await once(server, "listening");
        servers.push(server);
        const own = chosen.get(placement);
        if (own !== undefined) own[setting] = (server.address() as AddressInfo).port;
      } catch (error) {
        problems.push(explain(error as NodeJS.ErrnoException, placement, name, port));
      }
    }
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
  if (problems.length > 0) throw new PortsTaken(problems.join("\n"));
  return placements.map((placement) => ({ ...placement, ports: chosen.get(placement) ?? placement.ports }));
}

function explain({ code, message }: NodeJS.ErrnoException, placement: Placement, setting: string, port: number): string {
  const { service, name, host } = placement;
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} is taken (${name}): stop what uses it or choose another with ${setting}`;
    case "EACCES":
      return `port ${port} is not allowed (${name}): choose one above 1023 with ${setting}`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is not an address of this machine (${name}): choose another with ${settingOf(service, "HOST")}`;
    default:
      return `port ${port} cannot be used (${name}, ${setting}): ${message}`;
  }
}
