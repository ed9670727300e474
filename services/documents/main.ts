import { openChannel } from "../../clients/channel.ts";
import { eventLogClient, eventSource } from "../../clients/events.ts";
import { sessionClient } from "../../clients/register.ts";
import { userKeys } from "../../clients/user-keys.ts";
import { DocumentsServiceDefinition } from "../../gen/bookstore/documents/v1/documents_service.ts";
import { UploadServiceDefinition } from "../../gen/bookstore/documents/v1/upload_service.ts";
import { EventConsumerServiceDefinition } from "../../gen/bookstore/events/v1/event_consumer_service.ts";
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
import { openBlobs } from "./blobs.ts";
import { configSchema } from "./config.ts";
import { deletedUsers } from "./deleted-users.ts";
import { receipts } from "./receipts.ts";
import { documentsService } from "./service.ts";
import { openDocumentsStore } from "./store.ts";

const config = readConfig(configSchema, process.env);
const logger = createLogger({ name: "documents", level: config.logLevel });
const metrics = createMetrics("documents");
const credentials = await readCredentials("documents", { folder: config.credentialsDir, logger, metrics });
const mesh = await joinMesh({ service: "documents", ...config, credentials, logger });
const now = () => new Date();
const store = await openDocumentsStore(config.databaseUrl, logger, now);
const blobs = await openBlobs(config);
const register = openChannel(config.registerHost, { service: "register", credentials });
const verifyUserToken = userTokenVerifier({ keys: userKeys(sessionClient(register, logger), { logger }) });
const orders = openChannel(config.ordersHost, { service: "orders", credentials });
const health = new Health(
  { [DocumentsServiceDefinition.fullName]: store.check, [UploadServiceDefinition.fullName]: blobs.check },
  { logger },
);

const limits = { ...config, uploadExpiryMs: config.uploadExpiryHours * 3_600_000 };
const { documents, uploads, janitor } = documentsService({ ...config, store, blobs, limits, logger, metrics, now });
const consumer = new EventConsumer({
  ...{ name: "documents", db: store.db, ...config, logger, metrics },
  sources: [eventSource("register", eventLogClient(register, logger)), eventSource("orders", eventLogClient(orders, logger))],
  subscriptions: [receipts({ store: store.receipts, blobs, now }), deletedUsers({ now })],
});

const server = meshServer({ logger, metrics, health, credentials, verifyUserToken, ...config });
server.add(DocumentsServiceDefinition, documents);
server.add(UploadServiceDefinition, uploads);
server.add(EventConsumerServiceDefinition, eventConsumerHandler(consumer));

consumer.start();
const stopCleaning = janitor.start(config.cleanupIntervalMs);
await runUntilSignal({
  server,
  mesh,
  ...config,
  health,
  metrics,
  logger,
  closers: [
    { name: "janitor", close: stopCleaning },
    { name: "events", close: () => consumer.close() },
    { name: "orders", close: () => orders.close() },
    { name: "register", close: () => register.close() },
    { name: "store", close: store.close },
  ],
});
