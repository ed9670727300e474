import { get } from "node:http";
import { connect } from "node:net";
import { type Channel, ClientError, createChannel, createClient, Status } from "nice-grpc";
import { HealthDefinition, HealthCheckResponse_ServingStatus as Serving } from "../../gen/health/v1/health.ts";
import { hostAndPort } from "../../runtime/host-port.ts";
import type { ChannelSecurity } from "../../runtime/security.ts";
import type { HealthReport } from "./catalog-entry.ts";
import type { Instance } from "./instance.ts";

const ANSWER_MS = 2_000;
/**
 * How many channels stay open between two questions.
 *
 * With an open channel a question costs 0.2 ms of a processor, with a new one
 * 0.8 ms here and 0.5 ms at the instance, several times that once TLS is spoken;
 * but an open channel takes 100 KB of memory. Measured with 1,000 instances.
 */
const MOST_OPEN_CHANNELS = 1_000;

const CHANNEL_OPTIONS = {
  "grpc.enable_channelz": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.max_receive_message_length": 4_096,
  "grpc.service_config_disable_resolution": 1,
  // A channel that is closed is closed: otherwise its connection would be found again by the next one.
  "grpc.use_local_subchannel_pool": 1,
};

const HEALTHY: HealthReport = { health: "healthy", problem: "" };
const SILENT = unavailable("no answer in time");
const REFUSED = "connection refused";

export interface HealthProbeOptions {
  /** Whoever answers for an instance has to prove that it is of the service that has registered it. */
  credentials: ChannelSecurity;
  /** How long an instance has for its answer. The default is two seconds. */
  answerMs?: number;
}

/** Asks instances whether they serve: gRPC by grpc.health.v1, HTTP by a GET. */
export class HealthProbe {
  readonly #credentials: ChannelSecurity;
  readonly #answerMs: number;
  /** By the id of the instance. */
  readonly #channels = new Map<string, OpenChannel>();
  /** Those who gave no answer the last time. */
  readonly #unreached = new Set<string>();

  constructor(options: HealthProbeOptions) {
    this.#credentials = options.credentials;
    this.#answerMs = options.answerMs ?? ANSWER_MS;
  }

  /** Asks an instance, not twice at once. Never rejects, and takes no longer than the answer may. */
  ask(instance: Instance): Promise<HealthReport> {
    return instance.protocol === "grpc" ? this.#askByGrpc(instance) : askByHttp(instance, AbortSignal.timeout(this.#answerMs));
  }

  /** Closes the channel to an instance, if there is one. */
  release(id: string): void {
    this.#unreached.delete(id);
    const open = this.#channels.get(id);
    if (open === undefined) return;
    this.#channels.delete(id);
    open.released = true;
    closeSoon(open.channel);
  }

  close(): void {
    for (const id of [...this.#channels.keys()]) this.release(id);
  }

  async #askByGrpc(instance: Instance): Promise<HealthReport> {
    const { id } = instance;
    const target = hostAndPort(instance.address, instance.port);
    if (this.#channels.has(id) && this.#channels.get(id)?.target !== target) this.release(id);
    const signal = AbortSignal.timeout(this.#answerMs);
    const kept = this.#channels.get(id);
    if (kept !== undefined) {
      const report = await this.#askOver(kept, id, signal);
      // A connection that has broken since the last time says nothing about the instance: a new one does.
      if (report.health !== "unavailable" || signal.aborted || kept.released) return report;
    }
    const unreachable = this.#unreached.has(id) ? await whyUnreachable(instance, signal) : undefined;
    if (unreachable !== undefined) return unreachable;
    try {
      const open = { target, channel: this.#open(target, instance.service), released: false };
      this.#channels.set(id, open);
      const report = await this.#askOver(open, id, signal);
      if (report.health === "unavailable" && !open.released) this.#unreached.add(id);
      else this.#unreached.delete(id);
      return report;
    } catch {
      return unavailable("it cannot be asked");
    }
  }

  #open(target: string, service: string): Channel {
    // The scheme says that there is no name to look up, which would cost a tenth of a question.
    const address = `${target.startsWith("[") ? "ipv6" : "ipv4"}:${target}`;
    return createChannel(address, this.#credentials.channel(service), CHANNEL_OPTIONS);
  }

  async #askOver(open: OpenChannel, id: string, signal: AbortSignal): Promise<HealthReport> {
    const report = await askByGrpc(open.channel, signal);
    // Who is silent may be so on this connection only, and a channel that cannot connect takes its time to try again.
    const keep = report.health !== "unavailable" && this.#channels.size <= MOST_OPEN_CHANNELS;
    if (!keep && !open.released) {
      this.#channels.delete(id);
      closeSoon(open.channel);
    }
    return report;
  }
}

/**
 * Whether nobody takes a connection, and why.
 *
 * A channel of gRPC cannot be kept from connecting once it has begun: to an address
 * from which nothing comes, each question would leave a socket behind for two minutes.
 */
function whyUnreachable({ address, port }: Instance, signal: AbortSignal): Promise<HealthReport | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (signal.aborted) return resolve(SILENT);
      resolve(unavailable(error.code === "ECONNREFUSED" ? REFUSED : "it cannot be reached"));
    });
  });
}

/** A channel that is closed in the turn in which it was opened goes on connecting for ever (grpc-js 1.14). */
function closeSoon(channel: Channel): void {
  setImmediate(() => channel.close());
}

interface OpenChannel {
  readonly target: string;
  readonly channel: Channel;
  /** Whether nobody wants to know of the instance any more. */
  released: boolean;
}

async function askByGrpc(channel: Channel, signal: AbortSignal): Promise<HealthReport> {
  try {
    const { status } = await createClient(HealthDefinition, channel).check({ service: "" }, { signal });
    return status === Serving.SERVING ? HEALTHY : unhealthy("it answers that it does not serve");
  } catch (error) {
    return signal.aborted ? SILENT : ofGrpcError(error);
  }
}

function ofGrpcError(error: unknown): HealthReport {
  if (!(error instanceof ClientError)) return unavailable("it cannot be asked");
  // A gRPC server without a health service has answered, which is all that can be known of it.
  if (error.code === Status.UNIMPLEMENTED) return HEALTHY;
  // What the instance says of itself is not repeated: it could be anything.
  if (error.code === Status.UNAVAILABLE)
    return unavailable(/ECONNREFUSED/.test(error.details) ? REFUSED : "it cannot be reached");
  if (error.code === Status.DEADLINE_EXCEEDED || error.code === Status.CANCELLED) return SILENT;
  return unhealthy(`it answers ${Status[error.code] ?? "with an unknown status"}`);
}

function askByHttp({ address, port, healthCheckPath }: Instance, signal: AbortSignal): Promise<HealthReport> {
  return new Promise((resolve) => {
    const headers = { "user-agent": "bookmesh-registry" };
    // Without an agent: each question has a connection of its own, as the calls of strangers have.
    const request = get({ host: address, port, path: healthCheckPath, headers, signal, agent: false });
    request.once("response", ({ statusCode = 0 }) => {
      resolve(statusCode >= 200 && statusCode < 300 ? HEALTHY : unhealthy(`it answers ${statusCode}`));
      request.destroy();
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      if (signal.aborted) resolve(SILENT);
      else if (error.code === "ECONNREFUSED") resolve(unavailable(REFUSED));
      else if (error.code?.startsWith("HPE_")) resolve(unhealthy("it does not answer by HTTP"));
      else resolve(unavailable("it cannot be reached"));
    });
    // It has gone to another protocol, or away: no response will come.
    request.once("close", () => resolve(unavailable("it does not answer")));
  });
}

function unhealthy(problem: string): HealthReport {
  return { health: "unhealthy", problem };
}

function unavailable(problem: string): HealthReport {
  return { health: "unavailable", problem };
}
