import type { Channel } from "nice-grpc";
import {
  type RecommendationsServiceClient,
  RecommendationsServiceDefinition,
} from "../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { type ClientCallOptions, clientFactory } from "../interceptors/client/chain.ts";
import type { Logger } from "../runtime/logger.ts";

export type RecommendationsClient = RecommendationsServiceClient<ClientCallOptions>;

/**
 * A client of bookstore.recommendations.v1. Deadlines and retries are the contract's.
 *
 * @param channel stays the caller's, to share and to close.
 */
export function recommendationsClient(channel: Channel, logger: Logger): RecommendationsClient {
  return clientFactory({ logger }).create(RecommendationsServiceDefinition, channel);
}
