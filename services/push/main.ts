import { openChannel } from "../../clients/channel.ts";
import { eventLogClient, eventSource } from "../../clients/events.ts";
import { registerClient, sessionClient } from "../../clients/register.ts";
import { userKeys } from "../../clients/user-keys.ts";
import { EventConsumerServiceDefinition } from "../../gen/bookstore/events/v1/event_consumer_service.ts";
import { PushServiceDefinition } from "../../gen/bookstore/push/v1/push_service.ts";
import { meshServer } from "../../interceptors/server/chain.ts";
import { readConfig } from "../../runtime/config.ts";
import { readCredentials } from "../../runtime/credentials.ts";
import { EventConsumer } from "../../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../../runtime/events/event-consumer-handler.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { joinMesh } from "../../runtime/mesh.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { runUntilSignal } from "../../runtime/run.ts";
import { userTokenVerifier } from "../../runtime/user-tokens.ts";
import { Wakeups } from "../../runtime/wakeups.ts";
import { configSchema } from "./config.ts";
import { deletedUsers } from "./deleted-users.ts";
import { startForgetting } from "./forgetting.ts";
import { pushHandler } from "./handler.ts";
import { happenings } from "./happenings.ts";
import { InboxPoll } from "./inbox-poll.ts";
import { findReader } from "./readers.ts";
import { startEmails } from "./start-emails.ts";
import { openPushStore } from "./store.ts";

const config = readConfig(configSchema, process.env);
const logger = createLogger({ name: "push", level: config.logLevel });
const metrics = createMetrics("push");
const credentials = await readCredentials("push", { folder: config.credentialsDir, logger, metrics });
const mesh = await joinMesh({ service: "push", ...config, credentials, logger });
const emails = config.smtpUrl !== undefined;
const store = await openPushStore(config.databaseUrl, logger, { emails });
const channel = openChannel(config.registerHost, { service: "register", credentials });
const ordersChannel = openChannel(config.ordersHost, { service: "orders", credentials });
const reviewsChannel = openChannel(config.reviewsHost, { service: "reviews", credentials });
const register = registerClient(channel, logger);
const verifyUserToken = userTokenVerifier({ keys: userKeys(sessionClient(channel, logger), { logger }) });
const wakeups = new Wakeups<string>();
const poll = new InboxPoll(store, wakeups, logger);
const health = new Health({ [PushServiceDefinition.fullName]: store.check }, { logger });
const deps = {
  ...{ store, emails, logger },
  findReader: findReader(register),
  wake: (userId: string) => wakeups.wake(userId),
  now: () => new Date(),
};
const events = new EventConsumer({
  ...{ name: "push", db: store.db, ...config, logger, metrics },
  sources: [
    eventSource("register", eventLogClient(channel, logger)),
    eventSource("orders", eventLogClient(ordersChannel, logger)),
    eventSource("reviews", eventLogClient(reviewsChannel, logger)),
  ],
  subscriptions: [...happenings(deps), deletedUsers(deps)],
});

const server = meshServer({ logger, metrics, health, credentials, verifyUserToken, ...config });
server.add(PushServiceDefinition, pushHandler({ ...deps, wakeups }));
server.add(EventConsumerServiceDefinition, eventConsumerHandler(events));

const stopPolling = poll.start(config.pollIntervalMs);
const stopForgetting = startForgetting({ ...config, ...deps });
const stopEmails = startEmails({ ...config, ...deps, metrics, findAddressee: deps.findReader });
events.start();
await runUntilSignal({
  server,
  mesh,
  ...config,
  health,
  metrics,
  logger,
  closers: [
    { name: "poll", close: stopPolling },
    { name: "forgetting", close: stopForgetting },
    { name: "events", close: () => events.close() },
    { name: "emails", close: stopEmails },
    { name: "reviews", close: () => reviewsChannel.close() },
    { name: "orders", close: () => ordersChannel.close() },
    { name: "register", close: () => channel.close() },
    { name: "store", close: store.close },
  ],
});
