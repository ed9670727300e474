import type { Channel } from "nice-grpc";
import { type ReviewsServiceClient, ReviewsServiceDefinition } from "../gen/bookstore/reviews/v1/reviews_service.ts";
import { type ClientCallOptions, clientFactory } from "../interceptors/client/chain.ts";
import type { Logger } from "../runtime/logger.ts";

export type ReviewsClient = ReviewsServiceClient<ClientCallOptions>;

/**
 * A client of bookstore.reviews.v1. Deadlines and retries are the contract's.
 *
 * @param channel stays the caller's, to share and to close.
 */
export function reviewsClient(channel: Channel, logger: Logger): ReviewsClient {
  return clientFactory({ logger }).create(ReviewsServiceDefinition, channel);
}
