import type { Channel } from "nice-grpc";
import {
  type MarketplaceServiceClient,
  MarketplaceServiceDefinition,
} from "../gen/bookstore/marketplace/v1/marketplace_service.ts";
import { type ClientCallOptions, clientFactory } from "../interceptors/client/chain.ts";
import type { Logger } from "../runtime/logger.ts";

export type MarketplaceClient = MarketplaceServiceClient<ClientCallOptions>;

/**
 * A client of bookstore.marketplace.v1. Deadlines and retries are the contract's.
 *
 * @param channel stays the caller's, to share and to close.
 */
export function marketplaceClient(channel: Channel, logger: Logger): MarketplaceClient {
  return clientFactory({ logger }).create(MarketplaceServiceDefinition, channel);
}
