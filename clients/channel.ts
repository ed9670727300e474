import type { ChannelOptions } from "@grpc/grpc-js";
import { type Channel, createChannel } from "nice-grpc";
import { allContracts } from "../runtime/contracts.ts";

/** A peer that is gone without a word is noticed after 25 seconds at the latest; one that says so, at once. */
const KEEPALIVE_MS = 20_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;
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
  "grpc.service_config_disable_resolution": 1,
};

/**
 * A channel to the servers of one service: made once, shared by all clients of
 * that service in the process, connected on the first call and again by itself.
 *
 * Calls go round all addresses of the target. Idempotent ones are retried as
 * their contracts say.
 *
 * @param target "host:port", or any gRPC target such as "dns:///orders:50055".
 * @returns the channel, which is the caller's to close.
 */
export function openChannel(target: string): Channel {
  return createChannel(target, undefined, { ...CHANNEL_OPTIONS, "grpc.service_config": serviceConfig() });
}

/** The gRPC service config (gRFC A6) that the contracts make together. */
export function serviceConfig(): string {
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
