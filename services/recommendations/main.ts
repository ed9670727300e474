import { openChannel } from "../../clients/channel.ts";
import { marketplaceClient } from "../../clients/marketplace.ts";
import { sessionClient } from "../../clients/register.ts";
import { userKeys } from "../../clients/user-keys.ts";
import type { BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { RecommendationsServiceDefinition } from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { RecommendationsDefinition } from "../../gen/recommendations.ts";
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
import { configSchema } from "./config.ts";
import { followCatalogue } from "./follow-catalogue.ts";
import { recommendationsHandler, tutorialHandler } from "./handler.ts";
import { Shelves } from "./shelf.ts";
import { openRecommendationsStore } from "./store.ts";

const config = readConfig(configSchema, process.env);
const logger = createLogger({ name: "recommendations", level: config.logLevel });
const metrics = createMetrics("recommendations");
const credentials = await readCredentials("recommendations", { folder: config.credentialsDir, logger, metrics });
const mesh = await joinMesh({ service: "recommendations", ...config, credentials, logger });
const store = await openRecommendationsStore(config.databaseUrl, logger);
const channel = openChannel(config.marketplaceHost, { service: "marketplace", credentials });
const registerChannel = openChannel(config.registerHost, { service: "register", credentials });
const verifyUserToken = userTokenVerifier({ keys: userKeys(sessionClient(registerChannel, logger), { logger }) });
const shelves = new Shelves();
const wakeups = new Wakeups<BookCategory>();
const position = await store.position();
shelves.put(await store.books());

const health = new Health(
  {
    [RecommendationsServiceDefinition.fullName]: async () => {
      await store.check();
      if (shelves.empty) throw new Error("the catalogue has not come from the marketplace yet");
    },
    [RecommendationsDefinition.fullName]: async () => {},
  },
  { logger },
);

const server = meshServer({ logger, metrics, health, credentials, verifyUserToken, ...config });
server.add(RecommendationsServiceDefinition, recommendationsHandler({ shelves, wakeups }));
server.add(RecommendationsDefinition, tutorialHandler(Math.random));

const stop = new AbortController();
// The follower reports its failures itself, and not each of them.
const marketplace = marketplaceClient(channel, logger.child({}, { level: "error" }));
const following = followCatalogue({ marketplace, copy: store, shelves, wakeups, logger }, position, stop.signal);

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
    { name: "marketplace", close: () => channel.close() },
    { name: "register", close: () => registerChannel.close() },
    { name: "store", close: store.close },
  ],
});
