import { openChannel } from "../../clients/channel.ts";
import { eventLogClient, eventSource } from "../../clients/events.ts";
import { marketplaceClient } from "../../clients/marketplace.ts";
import { sessionClient } from "../../clients/register.ts";
import { userKeys } from "../../clients/user-keys.ts";
import { meshServer } from "../../interceptors/server/chain.ts";
import { readConfig } from "../../runtime/config.ts";
import { readCredentials } from "../../runtime/credentials.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { joinMesh } from "../../runtime/mesh.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { runUntilSignal } from "../../runtime/run.ts";
import { userTokenVerifier } from "../../runtime/user-tokens.ts";
import { configSchema } from "./config.ts";
import { followCatalogue } from "./follow-catalogue.ts";
import { openRecommendations } from "./recommendations.ts";
import { openRecommendationsStore } from "./store.ts";

const config = readConfig(configSchema, process.env);
const logger = createLogger({ name: "recommendations", level: config.logLevel });
const metrics = createMetrics("recommendations");
const credentials = await readCredentials("recommendations", { folder: config.credentialsDir, logger, metrics });
const mesh = await joinMesh({ service: "recommendations", ...config, credentials, logger });
const store = await openRecommendationsStore(config.databaseUrl, logger);
const channels = {
  marketplace: openChannel(config.marketplaceHost, { service: "marketplace", credentials }),
  register: openChannel(config.registerHost, { service: "register", credentials }),
  orders: openChannel(config.ordersHost, { service: "orders", credentials }),
  reviews: openChannel(config.reviewsHost, { service: "reviews", credentials }),
};
const verifyUserToken = userTokenVerifier({ keys: userKeys(sessionClient(channels.register, logger), { logger }) });
const sources = [
  eventSource("register", eventLogClient(channels.register, logger)),
  eventSource("orders", eventLogClient(channels.orders, logger)),
  eventSource("reviews", eventLogClient(channels.reviews, logger)),
];
// Before the Books are read: those that come in between are sent again then.
const position = await store.position();
const recommendations = await openRecommendations({ ...config, store, sources, verifyUserToken, logger, metrics });

const health = new Health(recommendations.checks, { logger });
const server = meshServer({ logger, metrics, health, credentials, verifyUserToken, ...config });
recommendations.addTo(server);

const stop = new AbortController();
// The follower reports its failures itself, and not each of them.
const marketplace = marketplaceClient(channels.marketplace, logger.child({}, { level: "error" }));
const { shelves, wakeups } = recommendations;
const following = followCatalogue({ marketplace, copy: store, shelves, wakeups, logger }, position, stop.signal);
recommendations.consumer.start();

await runUntilSignal({
  server,
  mesh,
  ...config,
  health,
  metrics,
  logger,
  closers: [
    {
      name: "follower",
      async close() {
        stop.abort();
        await following;
      },
    },
    { name: "recommendations", close: recommendations.close },
    ...Object.entries(channels).map(([name, channel]) => ({ name, close: () => channel.close() })),
    { name: "store", close: store.close },
  ],
});
