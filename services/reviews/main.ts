import { randomUUID } from "node:crypto";
import { openChannel } from "../../clients/channel.ts";
import { eventLogClient, eventSource } from "../../clients/events.ts";
import { marketplaceClient } from "../../clients/marketplace.ts";
import { registerClient, sessionClient } from "../../clients/register.ts";
import { userKeys } from "../../clients/user-keys.ts";
import { EventConsumerServiceDefinition } from "../../gen/bookstore/events/v1/event_consumer_service.ts";
import { EventLogServiceDefinition } from "../../gen/bookstore/events/v1/event_log_service.ts";
import { ReviewsServiceDefinition } from "../../gen/bookstore/reviews/v1/reviews_service.ts";
import { meshServer } from "../../interceptors/server/chain.ts";
import { readConfig } from "../../runtime/config.ts";
import { readCredentials } from "../../runtime/credentials.ts";
import { EventConsumer } from "../../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../../runtime/events/event-consumer-handler.ts";
import { eventLogHandler } from "../../runtime/events/event-log-handler.ts";
import { startEventLog } from "../../runtime/events/start-event-log.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { joinMesh } from "../../runtime/mesh.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { runUntilSignal } from "../../runtime/run.ts";
import { userTokenVerifier } from "../../runtime/user-tokens.ts";
import { configSchema } from "./config.ts";
import { deletedUsers } from "./deleted-users.ts";
import { reviewsHandler } from "./handler.ts";
import { findAuthor, hasBook } from "./peers.ts";
import { openReviewsStore } from "./store.ts";

const config = readConfig(configSchema, process.env);
const logger = createLogger({ name: "reviews", level: config.logLevel });
const metrics = createMetrics("reviews");
const credentials = await readCredentials("reviews", { folder: config.credentialsDir, logger, metrics });
const mesh = await joinMesh({ service: "reviews", ...config, credentials, logger });
const store = await openReviewsStore(config.databaseUrl, logger);
const channel = openChannel(config.registerHost, { service: "register", credentials });
const register = registerClient(channel, logger);
const marketplaceChannel = openChannel(config.marketplaceHost, { service: "marketplace", credentials });
const verifyUserToken = userTokenVerifier({ keys: userKeys(sessionClient(channel, logger), { logger }) });
const health = new Health({ [ReviewsServiceDefinition.fullName]: store.check }, { logger });
const events = new EventConsumer({
  ...{ name: "reviews", db: store.db, ...config, logger, metrics },
  sources: [eventSource("register", eventLogClient(channel, logger))],
  subscriptions: [deletedUsers(store.log)],
});

const server = meshServer({ logger, metrics, health, credentials, verifyUserToken, ...config });
server.add(
  ReviewsServiceDefinition,
  reviewsHandler({
    ...store,
    findAuthor: findAuthor(register),
    hasBook: hasBook(marketplaceClient(marketplaceChannel, logger)),
    newId: randomUUID,
    now: () => new Date(),
    logger,
  }),
);
server.add(EventLogServiceDefinition, eventLogHandler(store.log, config));
server.add(EventConsumerServiceDefinition, eventConsumerHandler(events));

const eventLog = startEventLog(store.log, { ...config, logger, metrics });
events.start();
await runUntilSignal({
  server,
  mesh,
  ...config,
  health,
  metrics,
  logger,
  closers: [
    { name: "events", close: () => events.close() },
    { name: "event log", close: () => eventLog.close() },
    { name: "register", close: () => channel.close() },
    { name: "marketplace", close: () => marketplaceChannel.close() },
    { name: "store", close: store.close },
  ],
});
