import { createRequire } from "node:module";
import type { ChannelOptions } from "@grpc/grpc-js";
import { type Channel, createChannel } from "nice-grpc";
import { allContracts } from "../runtime/contracts.ts";
import type { ChannelSecurity } from "../runtime/security.ts";
import { registerLeastRequest } from "./least-request.ts";
import { patientKeepalive } from "./patient-keepalive.ts";
import { capBackoffs } from "./xds-backoff.ts";

/**
 * A peer that is gone without a word is noticed within 1.8 seconds: less than
 * the deadline of most calls, so that those it has can be tried again elsewhere.
 * A server that takes such pings for abuse says so, and grpc-js sends fewer.
 */
const KEEPALIVE_MS = 1_000;
const KEEPALIVE_TIMEOUT_MS = 800;
const CONNECT_TIMEOUT_MS = 5_000;

const CHANNEL_OPTIONS: ChannelOptions = {
  "grpc.keepalive_time_ms": KEEPALIVE_MS,
  "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
  "grpc.keepalive_permit_without_calls": 1,
  // What gRPC calls by this name is the time a connection attempt may take; nice-grpc sees to it.
  "grpc.min_reconnect_backoff_ms": CONNECT_TIMEOUT_MS,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 5_000,
  "grpc.max_receive_message_length": 4_194_304,
  "grpc.max_send_message_length": 4_194_304,
  "grpc.enable_channelz": 0,
};

export interface ChannelSettings {
  /** Whoever answers has to prove that it is this service. */
  service: string;
  /** How the connections are secured. */
  credentials: ChannelSecurity;
  /** The bootstrap document for this channel alone; the default is that of the process (runtime/mesh.ts). */
  bootstrap?: string;
}

/**
 * A channel to the servers of one service: made once, shared by all clients of
 * that service in the process, connected on the first call and again by itself.
 *
 * "xds:///orders" goes where the control plane says, in the way it says: its
 * routes carry the deadlines and retries of the contracts. Any other target is
 * resolved without it: calls go round all its addresses, and idempotent ones are
 * retried as their contracts say.
 *
 * @param target "xds:///orders", "host:port", or any gRPC target such as "dns:///orders:50055".
 * @returns the channel, which is the caller's to close.
 */
export function openChannel(target: string, settings: ChannelSettings): Channel {
  patientKeepalive();
  const options: ChannelOptions = { ...CHANNEL_OPTIONS };
  if (target.startsWith("xds:")) {
    registerXds();
    if (settings.bootstrap !== undefined) options[BOOTSTRAP_OPTION] = settings.bootstrap;
  } else {
    options["grpc.service_config"] = serviceConfig();
    options["grpc.service_config_disable_resolution"] = 1;
  }
  return createChannel(target, settings.credentials.channel(settings.service), options);
}

/** The one way grpc-js-xds has to give a channel its own bootstrap. */
const BOOTSTRAP_OPTION = "grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config";

/** Teaches grpc-js xDS. On first use: it costs a third of a second and 60 MB, which those who do not need it are spared. */
function registerXds(): void {
  const { register } = createRequire(import.meta.url)("@grpc/grpc-js-xds") as typeof import("@grpc/grpc-js-xds");
  register();
  registerLeastRequest();
  capBackoffs();
}

/** Made once: it is the same for all channels, and takes milliseconds. */
let madeConfig: string | undefined;

/** The gRPC service config (gRFC A6) that the contracts make together. */
export function serviceConfig(): string {
  madeConfig ??= makeServiceConfig();
  return madeConfig;
}

function makeServiceConfig(): string {
  const methodConfig = allContracts().flatMap(({ service, method, retry }) => {
    if (retry === undefined) return [];
    const retryPolicy = {
      maxAttempts: retry.maxAttempts,
      initialBackoff: seconds(retry.initialBackoffMs),
      maxBackoff: seconds(retry.maxBackoffMs),
      backoffMultiplier: 2,
      retryableStatusCodes: ["UNAVAILABLE"],
    };
    return [{ name: [{ service, method }], retryPolicy }];
  });
  return JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }], methodConfig });
}

function seconds(ms: number): string {
  return `${ms / 1_000}s`;
}
