import { openChannel } from "../../clients/channel.ts";
import { documentsClient, uploadClient } from "../../clients/documents.ts";
import { cartClient, guestCartClient, ordersClient, promotionClient } from "../../clients/orders.ts";
import { pushClient } from "../../clients/push.ts";
import { recommendationsClient } from "../../clients/recommendations.ts";
import { registerClient, sessionClient } from "../../clients/register.ts";
import { reviewsClient } from "../../clients/reviews.ts";
import { userKeys } from "../../clients/user-keys.ts";
import { MarketplaceServiceDefinition } from "../../gen/bookstore/marketplace/v1/marketplace_service.ts";
import { meshServer } from "../../interceptors/server/chain.ts";
import { readConfig } from "../../runtime/config.ts";
import { readCredentials } from "../../runtime/credentials.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { joinMesh } from "../../runtime/mesh.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { runUntilSignal } from "../../runtime/run.ts";
import { userTokenVerifier } from "../../runtime/user-tokens.ts";
import { Wakeups } from "../../runtime/wakeups.ts";
import { stockShelves } from "./built-in-catalogue.ts";
import { configSchema } from "./config.ts";
import { marketplaceHandler } from "./handler.ts";
import { type CATALOGUE, pollRevision } from "./revision-poll.ts";
import { openMarketplaceStore } from "./store.ts";
import { storefront } from "./storefront/server.ts";

const config = readConfig(configSchema, process.env);
const logger = createLogger({ name: "marketplace", level: config.logLevel });
const metrics = createMetrics("marketplace");
const credentials = await readCredentials("marketplace", { folder: config.credentialsDir, logger, metrics });
const mesh = await joinMesh({ service: "marketplace", ...config, credentials, logger });
const store = await openMarketplaceStore(config.databaseUrl, logger);
await stockShelves(store);
const wakeups = new Wakeups<typeof CATALOGUE>();
const stopPolling = pollRevision(store, wakeups, { intervalMs: config.pollIntervalMs, logger });
const health = new Health({ [MarketplaceServiceDefinition.fullName]: store.check }, { logger });

const server = meshServer({ logger, metrics, health, credentials, ...config });
server.add(MarketplaceServiceDefinition, marketplaceHandler({ store, wakeups }));

const recommendationsChannel = openChannel(config.recommendationsHost, { service: "recommendations", credentials });
const registerChannel = openChannel(config.registerHost, { service: "register", credentials });
const pushChannel = openChannel(config.pushHost, { service: "push", credentials });
const ordersChannel = openChannel(config.ordersHost, { service: "orders", credentials });
const documentsChannel = openChannel(config.documentsHost, { service: "documents", credentials });
const reviewsChannel = openChannel(config.reviewsHost, { service: "reviews", credentials });
const sessions = sessionClient(registerChannel, logger);
const shop = await storefront({
  ...config,
  store,
  recommendations: recommendationsClient(recommendationsChannel, logger),
  register: registerClient(registerChannel, logger),
  carts: cartClient(ordersChannel, logger),
  guestCarts: guestCartClient(ordersChannel, logger),
  promotion: promotionClient(ordersChannel, logger),
  orders: ordersClient(ordersChannel, logger),
  documents: { ...documentsClient(documentsChannel, logger), ...uploadClient(documentsChannel, logger) },
  reviews: reviewsClient(reviewsChannel, logger),
  push: pushClient(pushChannel, logger),
  sessions,
  verifyUserToken: userTokenVerifier({ keys: userKeys(sessions, { logger }) }),
  logger,
});

await runUntilSignal({
  server,
  mesh,
  ...config,
  health,
  metrics,
  logger,
  pages: {
    listen: async () => void (await shop.listen({ host: config.host, port: config.httpPort })),
    drain: () => shop.close(),
    cut: () => shop.server.closeAllConnections(),
  },
  closers: [
    { name: "poll", close: stopPolling },
    { name: "recommendations", close: () => recommendationsChannel.close() },
    { name: "register", close: () => registerChannel.close() },
    { name: "push", close: () => pushChannel.close() },
    { name: "orders", close: () => ordersChannel.close() },
    { name: "reviews", close: () => reviewsChannel.close() },
    { name: "documents", close: () => documentsChannel.close() },
    { name: "store", close: store.close },
  ],
});
