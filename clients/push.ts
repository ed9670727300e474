import type { Channel } from "nice-grpc";
import { type PushServiceClient, PushServiceDefinition } from "../gen/bookstore/push/v1/push_service.ts";
import { type ClientCallOptions, clientFactory } from "../interceptors/client/chain.ts";
import type { Logger } from "../runtime/logger.ts";

export type PushClient = PushServiceClient<ClientCallOptions>;

/**
 * A client of bookstore.push.v1. Deadlines and retries are the contract's.
 *
 * @param channel stays the caller's, to share and to close.
 */
export function pushClient(channel: Channel, logger: Logger): PushClient {
  return clientFactory({ logger }).create(PushServiceDefinition, channel);
}
