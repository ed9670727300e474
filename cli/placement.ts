import { isIP } from "node:net";
import { port } from "../runtime/config.ts";
import { hostAndPort } from "../runtime/host-port.ts";
import { BadSettings } from "./bad-settings.ts";
import { type ReplicaGroup, versionsOf } from "./replicas.ts";
import { type PortSetting, type Service, settingOf } from "./services.ts";

/** The control plane. Not register, which keeps the accounts of users. */
export const REGISTRY = "registry";

/** Where one process of a service listens. */
export interface Placement {
  readonly service: Service;
  /** The name of the service for its first process; "recommendations-2", and so on, for the others. */
  readonly name: string;
  /** SERVICE_VERSION, if it is not left to the environment. */
  readonly version: string | undefined;
  /** The address that it binds. */
  readonly host: string;
  readonly ports: Readonly<Partial<Record<PortSetting, number>>> & { readonly PORT: number; readonly ADMIN_PORT: number };
}

/**
 * Reads from the environment where each service is to listen. A port of 0 stays 0.
 * Of several processes of one service the first has the ports of the service, the others have 0.
 *
 * @throws BadSettings
 */
export function placementsOf(
  services: readonly Service[],
  env: NodeJS.ProcessEnv,
  replicas: readonly ReplicaGroup[] = [],
): Placement[] {
  const problems: string[] = [];
  const placements = services.flatMap((service): Placement[] => {
    const ports: Record<string, number> = {};
    for (const [setting, defaultPort] of Object.entries(service.ports)) {
      const name = settingOf(service, setting);
      const result = port.safeParse(env[name] || defaultPort);
      if (!result.success) problems.push(`${name}: ${env[name]} is not a port`);
      ports[setting] = result.data ?? 0;
    }
    const hostSetting = settingOf(service, "HOST");
    const host = env[hostSetting] || hostForAll(env) || "127.0.0.1";
    if (isIP(host) === 0 && host.includes(":")) {
      problems.push(`${hostSetting}: expected the address on which ${service.name} listens, without a port`);
    }
    const free = Object.fromEntries(Object.keys(ports).map((setting) => [setting, 0]));
    return versionsOf(service, replicas).map((version, index) => ({
      ...{ service, version, host },
      name: index === 0 ? service.name : `${service.name}-${index + 1}`,
      ports: (index === 0 ? ports : free) as Placement["ports"],
    }));
  });

  problems.push(...sharedPorts(placements));
  if (problems.length > 0) throw new BadSettings(["bad settings", ...problems.map((problem) => `  ${problem}`)].join("\n"));
  return placements;
}

/**
 * HOST without a prefix, if it is there for us.
 *
 * Some shells export the name of the machine as HOST. To listen on that would
 * put plaintext on the network unasked.
 */
export function hostForAll(env: NodeJS.ProcessEnv): string | undefined {
  const host = env.HOST ?? "";
  return isIP(host) !== 0 || host === "localhost" ? host : undefined;
}

/** The address, "host:port", under which others on this machine reach one of its ports. */
export function reachableAt({ host, ports }: Placement, setting: PortSetting = "PORT"): string {
  // A wildcard is an address to listen on, not one to call.
  const callable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return hostAndPort(callable, ports[setting] ?? 0);
}

/** Where the registries are, each as "host:port", if the control plane is among what is run. */
export function registriesOf(placements: readonly Placement[]): string[] {
  return placements.filter(({ service }) => service.name === REGISTRY).map((placement) => reachableAt(placement));
}

/** Each port of each process with the name of its setting. */
export function* portsOf(placements: readonly Placement[]) {
  for (const placement of placements) {
    for (const [setting, number] of Object.entries(placement.ports)) {
      yield { placement, setting: setting as PortSetting, name: settingOf(placement.service, setting), port: number };
    }
  }
}

function sharedPorts(placements: readonly Placement[]): string[] {
  const settings = Map.groupBy(portsOf(placements), ({ port }) => port);
  settings.delete(0);
  return [...settings]
    .filter(([, users]) => users.length > 1)
    .map(([number, users]) => `port ${number} is given to ${users.map(({ name }) => name).join(" and ")}`);
}
