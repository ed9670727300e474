import { ClientError, Status } from "nice-grpc-common";
import pino from "pino";
import { CallFailure } from "../clients/call-failure.ts";
import { openChannel } from "../clients/channel.ts";
import { type RegistryClient, registryClient, type TrafficClient, trafficClient } from "../clients/registry.ts";
import type { RegistryAccess } from "./registry-access.ts";

/** The clients of one registry. */
export interface RegistryClients {
  /** "host:port" */
  readonly address: string;
  readonly registry: RegistryClient;
  readonly traffic: TrafficClient;
}

/** Thrown when none of the registries answers. */
export class NoRegistry extends Error {
  override readonly name = "NoRegistry";
}

/**
 * Asks the first registry that answers.
 *
 * What is asked for must be idempotent: a registry that gives no answer may have done it.
 *
 * @throws NoRegistry
 * @throws ClientError when a registry answers, and refuses.
 */
export async function askRegistry<Answer>(
  { addresses, credentials }: RegistryAccess,
  ask: (clients: RegistryClients) => Promise<Answer>,
): Promise<Answer> {
  // People are told of failures by exit status and a sentence.
  const logger = pino({ level: "silent" });
  const problems: string[] = [];
  for (const address of addresses) {
    const channel = openChannel(address, { service: "registry", credentials });
    try {
      return await ask({ address, registry: registryClient(channel, logger), traffic: trafficClient(channel, logger) });
    } catch (error) {
      if (!isSilence(error)) throw error;
      const problem = problemWith(error);
      if (problem !== undefined) problems.push(`what answers at ${address} ${problem}`);
    } finally {
      channel.close();
    }
  }
  const hint =
    problems.length > 0
      ? `${problems.join(", ")}. --registry says where else to ask, and --credentials as whom`
      : "is the shop running? `npm start` runs it, and --registry says where else to ask";
  throw new NoRegistry(`no registry answers at ${addresses.join(" or ")}: ${hint}`);
}

/** What is wrong with something that answers, if anything does. */
function problemWith({ code, details }: ClientError): string | undefined {
  if (code === Status.UNIMPLEMENTED) return "is no registry";
  const [, other] = /was expected, and (.{1,200}?) answers/.exec(details) ?? [];
  if (other !== undefined) return `is ${other}`;
  if (details.includes("wrong version number")) return "speaks no TLS";
  const [, distrust] = /Last error: Error: ([^.:]*\bcertificate\b[^.:]*)/.exec(details) ?? [];
  return distrust && `belongs to another mesh or has no good certificate (${distrust})`;
}

/** What comes from no registry, or from one that cannot answer now. */
function isSilence(error: unknown): error is ClientError {
  if (!(error instanceof ClientError)) return false;
  // A registry that cannot do what it is asked for says why.
  if (error.code === Status.UNIMPLEMENTED) return !(error instanceof CallFailure) || error.reason === undefined;
  return error.code === Status.UNAVAILABLE || error.code === Status.DEADLINE_EXCEEDED;
}
