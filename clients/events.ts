import type { Channel } from "nice-grpc";
import {
  type EventConsumerServiceClient,
  EventConsumerServiceDefinition,
} from "../gen/bookstore/events/v1/event_consumer_service.ts";
import { type EventLogServiceClient, EventLogServiceDefinition } from "../gen/bookstore/events/v1/event_log_service.ts";
import { type ClientCallOptions, clientFactory } from "../interceptors/client/chain.ts";
import type { EventSource } from "../runtime/events/event-source.ts";
import type { Logger } from "../runtime/logger.ts";

export type EventLogClient = EventLogServiceClient<ClientCallOptions>;
export type EventConsumerClient = EventConsumerServiceClient<ClientCallOptions>;

/**
 * A client of the log of events of a service. Deadlines and retries are the contract's.
 *
 * @param channel to that service; stays the caller's, to share and to close.
 */
export function eventLogClient(channel: Channel, logger: Logger): EventLogClient {
  // Those who follow come back whenever a stream ends, and report that themselves.
  return clientFactory({ logger: logger.child({}, { level: "error" }) }).create(EventLogServiceDefinition, channel);
}

/** A client of what a service does with the events of others, likewise. */
export function eventConsumerClient(channel: Channel, logger: Logger): EventConsumerClient {
  return clientFactory({ logger }).create(EventConsumerServiceDefinition, channel);
}

/**
 * The log of a service, followed by a gRPC stream.
 *
 * @param source the service: "orders".
 */
export function eventSource(source: string, client: Pick<EventLogClient, "followEvents">): EventSource {
  return {
    source,
    async *follow({ afterPosition, afterId = "", since }, signal) {
      const batches = client.followEvents({ afterPosition: BigInt(afterPosition), afterId, since }, { signal });
      for await (const { events, position, lastPosition } of batches) {
        yield { events, position: Number(position), lastPosition: Number(lastPosition) };
      }
    },
  };
}
