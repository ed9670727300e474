import { openChannel } from "../../clients/channel.ts";
import { registerClient, sessionClient } from "../../clients/register.ts";
import { userKeys } from "../../clients/user-keys.ts";
import { PushServiceDefinition } from "../../gen/bookstore/push/v1/push_service.ts";
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
import { pushHandler } from "./handler.ts";
import { InboxPoll } from "./inbox-poll.ts";
import { findReader } from "./readers.ts";
import { openPushStore } from "./store.ts";

const config = readConfig(configSchema, process.env);
const logger = createLogger({ name: "push", level: config.logLevel });
const metrics = createMetrics("push");
const credentials = await readCredentials("push", { folder: config.credentialsDir, logger, metrics });
const mesh = await joinMesh({ service: "push", ...config, credentials, logger });
const store = await openPushStore(config.databaseUrl, logger);
const channel = openChannel(config.registerHost, { service: "register", credentials });
const register = registerClient(channel, logger);
const verifyUserToken = userTokenVerifier({ keys: userKeys(sessionClient(channel, logger), { logger }) });
const wakeups = new Wakeups<string>();
const poll = new InboxPoll(store, wakeups, logger);
const health = new Health({ [PushServiceDefinition.fullName]: store.check }, { logger });

const server = meshServer({ logger, metrics, health, credentials, verifyUserToken, ...config });
server.add(
  PushServiceDefinition,
  pushHandler({
    store,
    wakeups,
    findReader: findReader(register),
    wake: (userId) => wakeups.wake(userId),
    now: () => new Date(),
    logger,
  }),
);

const stopPolling = poll.start(config.pollIntervalMs);
await runUntilSignal({
  server,
  mesh,
  ...config,
  health,
  metrics,
  logger,
  closers: [
    { name: "poll", close: stopPolling },
    { name: "register", close: () => channel.close() },
    { name: "store", close: store.close },
  ],
});
