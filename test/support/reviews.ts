import { randomUUID } from "node:crypto";
import { Registry } from "prom-client";
import { type ReviewsClient, reviewsClient } from "../../clients/reviews.ts";
import { EventConsumerServiceDefinition } from "../../gen/bookstore/events/v1/event_consumer_service.ts";
import { EventLogServiceDefinition } from "../../gen/bookstore/events/v1/event_log_service.ts";
import { ReviewsServiceDefinition } from "../../gen/bookstore/reviews/v1/reviews_service.ts";
import { EventConsumer } from "../../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../../runtime/events/event-consumer-handler.ts";
import { eventLogHandler } from "../../runtime/events/event-log-handler.ts";
import { createLogger } from "../../runtime/logger.ts";
import type { FindAuthor } from "../../services/reviews/author.ts";
import { deletedUsers } from "../../services/reviews/deleted-users.ts";
import { reviewsHandler } from "../../services/reviews/handler.ts";
import type { Schema } from "../../services/reviews/schema.ts";
import { openReviewsStore, type ReviewsStore } from "../../services/reviews/store.ts";
import { testDatabase } from "./database.ts";
import { LogLines } from "./log-lines.ts";
import { type Service, type StoreOptions, startService } from "./service.ts";

export interface ReviewsOptions extends StoreOptions {
  /** Who a user is. The default knows everybody, by the name of "Reader <id>". */
  findAuthor?: FindAuthor;
  /** Whether the shop has a book. The default is that it has all. */
  hasBook?: (bookId: number) => Promise<boolean>;
  /** The default is the clock of this machine. */
  now?: () => Date;
}

/** Serves reviews, and the log of its events. Nobody follows register: hand its events to `events.handle`. */
export async function startReviews(
  options: ReviewsOptions = {},
): Promise<Service<ReviewsClient> & { store: ReviewsStore; url: string; events: EventConsumer<Schema> }> {
  await using stack = new AsyncDisposableStack();
  const url = options.url ?? stack.use(await testDatabase()).url;
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "info", destination: logs });
  const store = await openReviewsStore(url, logger);
  stack.defer(store.close);
  const { findAuthor = async (userId) => ({ name: `Reader ${userId}` }), now = () => new Date() } = options;
  const { hasBook = async () => true } = options;
  const deps = { ...store, findAuthor, hasBook, now, newId: randomUUID, logger };
  const events = new EventConsumer({
    ...{ name: "reviews", db: store.db, sources: [], subscriptions: [deletedUsers(store.log)], logger, metrics: new Registry() },
  });
  stack.defer(() => events.close());
  const service = stack.use(
    await startService({
      ...{ logs, port: options.port ?? 0, users: options.users, credentials: options.credentials, client: reviewsClient },
      add: (server) => {
        server.add(ReviewsServiceDefinition, reviewsHandler(deps));
        server.add(EventLogServiceDefinition, eventLogHandler(store.log, {}));
        server.add(EventConsumerServiceDefinition, eventConsumerHandler(events));
      },
      checks: { [ReviewsServiceDefinition.fullName]: store.check },
    }),
  );
  const owned = stack.move();
  return { ...service, store, url, events, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
