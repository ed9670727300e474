import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { Instance, Protocol } from "../gen/mesh/registry/v1/instance.ts";
import type { LoadReport } from "../gen/mesh/registry/v1/registry_service.ts";
import type { Logger } from "./logger.ts";
import { pollEvery } from "./poll.ts";
import { Registration } from "./registration.ts";
import { registryAddresses } from "./registry-addresses.ts";
import { startRegistryRelay } from "./registry-relay.ts";
import type { ChannelSecurity } from "./security.ts";
import { useXdsBootstrap, xdsBootstrap } from "./xds-bootstrap.ts";

/** How often an instance tells what it served until a registry has said how often it wants to hear of it. */
const REPORT_MS = 2_000;
/** How often to look whether there are other registries. */
const LOOK_MS = 1_000;
/** How long a stop waits for the registries to tell all clients. */
const LEAVE_MS = 3_000;

export interface MeshOptions {
  /** The name of the service that this process is an instance of. */
  service: string;
  credentials: ChannelSecurity;
  /** "host:port" of each registry, or of a name that stands for several. None: the process neither registers nor resolves "xds:///…". */
  registries: readonly string[];
  /** The address that the server listens on. */
  host: string;
  /** The IP address under which others reach the server; undefined: `host`, or else what the registries see. */
  advertisedAddress?: string | undefined;
  serviceVersion: string;
  zone: string;
  instanceWeight: number;
  logger: Logger;
}

/** What the mesh wants to know of a server. */
export interface MeshedServer {
  /** The names ("package.Service") of what it serves. */
  readonly services: readonly string[];
  /** What it served since the last time. */
  takeLoad(): LoadReport;
}

/** The part of a process in the mesh. */
export interface Mesh {
  /** The name of this instance. */
  readonly id: string;
  /** Registers the server, which listens on `port`, with all registries. Calls come from now on. */
  enter(server: MeshedServer, port: number): void;
  /** Resolves when no client sends calls here any more, or after three seconds. The server still has to answer until then. */
  leave(): Promise<void>;
  /** When all channels are closed. */
  close(): Promise<void>;
}

/**
 * Makes "xds:///…" resolvable in this process, by the registries.
 *
 * Before the first such channel is opened. A process that has a bootstrap of its
 * own already (GRPC_XDS_BOOTSTRAP, as where Istio is the control plane) keeps it.
 */
export async function joinMesh(options: MeshOptions): Promise<Mesh> {
  const { service, registries, credentials, zone, logger } = options;
  const id = `${service}-${randomBytes(4).toString("hex")}`;
  if (registries.length === 0) return { id, enter() {}, async leave() {}, async close() {} };

  const relay = await startRegistryRelay({ registries, credentials, logger });
  useXdsBootstrap(xdsBootstrap({ registries: [relay.uri], nodeId: id, cluster: service, zone }));

  const registrations = new Map<string, Registration>();
  let left = false;
  let stopLooking = () => {};
  let reporting: NodeJS.Timeout | undefined;
  return {
    id,
    enter(server, port) {
      const instance = instanceOf(id, options, server, port);
      const look = async () => {
        const addresses = await registryAddresses(registries);
        // A name that leads nowhere for a moment does not mean that the registries are gone.
        if (left || addresses.length === 0) return;
        for (const address of addresses) {
          if (registrations.has(address)) continue;
          registrations.set(
            address,
            new Registration({ registry: address, credentials, instance, logger, onRegistered: scheduleReport }),
          );
        }
        for (const [address, registration] of registrations) {
          if (addresses.includes(address) || registration.registered) continue;
          registrations.delete(address);
          registration.close();
        }
      };
      const scheduleReport = () => {
        const wanted = [...registrations.values()].flatMap(({ reportIntervalMs }) => reportIntervalMs ?? []);
        clearTimeout(reporting);
        reporting = setTimeout(report, Math.min(REPORT_MS, ...wanted));
      };
      const report = () => {
        const load = server.takeLoad();
        for (const registration of registrations.values()) registration.report(load);
        scheduleReport();
      };
      const onError = (error: unknown) => logger.error({ err: error }, "could not keep up with the registries");
      stopLooking = pollEvery(LOOK_MS, look, onError);
      look().catch(onError);
      scheduleReport();
    },
    async leave() {
      left = true;
      stopLooking();
      clearTimeout(reporting);
      const late = new Promise((resolve) => setTimeout(resolve, LEAVE_MS).unref());
      await Promise.race([Promise.all([...registrations.values()].map((registration) => registration.drain())), late]);
    },
    async close() {
      for (const registration of registrations.values()) registration.close();
      await relay.close();
    },
  };
}

function instanceOf(id: string, options: MeshOptions, { services }: MeshedServer, port: number): Instance {
  const { service, host, zone } = options;
  const wildcard = host === "0.0.0.0" || host === "::";
  const listening = host === "localhost" ? "127.0.0.1" : host;
  return Instance.fromPartial({
    ...{ id, service, port, zone },
    // Empty lets the registries take the address that they see: the right one behind a wildcard.
    address: options.advertisedAddress ?? (isIP(listening) !== 0 && !wildcard ? listening : ""),
    protocol: Protocol.PROTOCOL_GRPC,
    version: options.serviceVersion,
    weight: options.instanceWeight,
    grpcServices: [...services],
  });
}
