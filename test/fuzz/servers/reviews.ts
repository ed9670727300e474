import { EventLogServiceDefinition } from "../../../gen/bookstore/events/v1/event_log_service.ts";
import { ReviewsServiceDefinition } from "../../../gen/bookstore/reviews/v1/reviews_service.ts";
import { eventLogHandler } from "../../../runtime/events/event-log-handler.ts";
import { reviewsHandler } from "../../../services/reviews/handler.ts";
import { openReviewsStore } from "../../../services/reviews/store.ts";
import type { AddServices } from "./making.ts";

export const addReviews: AddServices = async (server, { databaseUrl, logger, logs, stack }) => {
  const store = await openReviewsStore(databaseUrl, logger);
  stack.defer(store.close);
  logs.set("reviews", store.log);
  let reviews = 0;
  const deps = {
    ...{ ...store, logger, now: () => new Date(), findAuthor: async () => ({ name: "A reader" }), hasBook: async () => true },
    // So that requests are about reviews that are there.
    newId: () => `review-${++reviews}`,
  };
  server.add(ReviewsServiceDefinition, reviewsHandler(deps));
  server.add(EventLogServiceDefinition, eventLogHandler(store.log, {}));
};
