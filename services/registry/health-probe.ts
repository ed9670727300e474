import { get } from "node:http";
import { isAbortError } from "abort-controller-x";
import { type Channel, ClientError, createChannel, createClient, Status } from "nice-grpc";
import { HealthDefinition, HealthCheckResponse_ServingStatus as Serving } from "../../gen/health/v1/health.ts";
import { hostAndPort } from "./address.ts";
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
  "grpc.enable_retries": 0,
  "grpc.max_receive_message_length": 4_096,
  "grpc.service_config_disable_resolution": 1,
  // A channel that is closed is closed: otherwise its connection would be found again by the next one.
  "grpc.use_local_subchannel_pool": 1,
};

const HEALTHY: HealthReport = { health: "healthy", problem: "" };
const SILENT = unavailable(`no answer in ${ANSWER_MS / 1_000} seconds`);
const REFUSED = "connection refused";

export interface HealthProbeOptions {
  /** Opens a channel to "address:port". The default is plaintext. */
  openChannel?: (target: string) => Channel;
}

/** Asks instances whether they serve: gRPC by grpc.health.v1, HTTP by a GET. */
export class HealthProbe {
  readonly #openChannel: (target: string) => Channel;
  /** By the id of the instance. */
  readonly #channels = new Map<string, { readonly target: string; readonly channel: Channel }>();

  constructor(options: HealthProbeOptions = {}) {
    this.#openChannel = options.openChannel ?? ((target) => createChannel(target, undefined, CHANNEL_OPTIONS));
  }

  /** Asks an instance. Never rejects, and takes two seconds at most. */
  ask(instance: Instance): Promise<HealthReport> {
    return instance.protocol === "grpc" ? this.#askByGrpc(instance) : askByHttp(instance);
  }

  /** Closes the channel to an instance, if there is one. */
  release(id: string): void {
    this.#channels.get(id)?.channel.close();
    this.#channels.delete(id);
  }

  close(): void {
    for (const id of [...this.#channels.keys()]) this.release(id);
  }

  async #askByGrpc({ id, address, port }: Instance): Promise<HealthReport> {
    const target = hostAndPort(address, port);
    if (this.#channels.get(id)?.target !== target) this.release(id);
    const open = this.#channels.get(id) ?? { target, channel: this.#openChannel(target) };
    this.#channels.set(id, open);
    let report: HealthReport;
    try {
      const client = createClient(HealthDefinition, open.channel);
      const { status } = await client.check({ service: "" }, { signal: AbortSignal.timeout(ANSWER_MS) });
      report = status === Serving.SERVING ? HEALTHY : unhealthy("it answers that it does not serve");
    } catch (error) {
      report = ofGrpcError(error);
    }
    // Who is silent may be so on this connection only, and a channel that cannot connect takes its time to try again.
    const keep = report.health !== "unavailable" && this.#channels.size <= MOST_OPEN_CHANNELS;
    if (!keep && this.#channels.get(id) === open) this.release(id);
    return report;
  }
}

function ofGrpcError(error: unknown): HealthReport {
  if (isAbortError(error)) return SILENT;
  if (!(error instanceof ClientError)) return unavailable("it cannot be asked");
  // A gRPC server without a health service has answered, which is all that can be known of it.
  if (error.code === Status.UNIMPLEMENTED) return HEALTHY;
  // What the instance says of itself is not repeated: it could be anything.
  if (error.code === Status.UNAVAILABLE)
    return unavailable(/ECONNREFUSED/.test(error.details) ? REFUSED : "it cannot be reached");
  if (error.code === Status.DEADLINE_EXCEEDED || error.code === Status.CANCELLED) return SILENT;
  return unhealthy(`it answers ${Status[error.code] ?? "with an unknown status"}`);
}

function askByHttp({ address, port, healthCheckPath }: Instance): Promise<HealthReport> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const headers = { "user-agent": "bookmesh-registry" };
    // Without an agent: each question has a connection of its own, as the calls of strangers have.
    const request = get({ host: address, port, path: healthCheckPath, headers, signal, agent: false });
    request.once("response", ({ statusCode = 0 }) => {
      resolve(statusCode >= 200 && statusCode < 300 ? HEALTHY : unhealthy(`it answers ${statusCode}`));
      request.destroy();
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      if (error.name === "AbortError" || error.name === "TimeoutError") resolve(SILENT);
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
