import { openChannel } from "../../clients/channel.ts";
import { eventLogClient, eventSource } from "../../clients/events.ts";
import { marketplaceClient } from "../../clients/marketplace.ts";
import { registerClient, sessionClient } from "../../clients/register.ts";
import { userKeys } from "../../clients/user-keys.ts";
import { EventConsumerServiceDefinition } from "../../gen/bookstore/events/v1/event_consumer_service.ts";
import { EventLogServiceDefinition } from "../../gen/bookstore/events/v1/event_log_service.ts";
import { CartServiceDefinition, GuestCartServiceDefinition } from "../../gen/bookstore/orders/v1/cart_service.ts";
import { OrdersServiceDefinition } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { PromotionServiceDefinition } from "../../gen/bookstore/orders/v1/promotion_service.ts";
import { StockServiceDefinition } from "../../gen/bookstore/orders/v1/stock_service.ts";
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
import { cartHandler, guestCartHandler } from "./cart-handler.ts";
import { configSchema } from "./config.ts";
import { deletedUsers } from "./deleted-users.ts";
import { createdQueue } from "./order-events.ts";
import { orderMetrics } from "./order-metrics.ts";
import { ordersHandler } from "./orders-handler.ts";
import { findOffers, isRegistered, userIds } from "./peers.ts";
import { promotionHandler } from "./promotion-handler.ts";
import { Settler } from "./settler.ts";
import { simulatedPayments } from "./simulated-payments.ts";
import { stockHandler } from "./stock-handler.ts";
import { openOrdersStore } from "./store.ts";

const DAY_MS = 86_400_000;
const PAYMENT_ANSWER_MS = 5_000;

const config = readConfig(configSchema, process.env);
const logger = createLogger({ name: "orders", level: config.logLevel });
const metrics = createMetrics("orders");
const credentials = await readCredentials("orders", { folder: config.credentialsDir, logger, metrics });
const mesh = await joinMesh({ service: "orders", ...config, credentials, logger });
const store = await openOrdersStore(config.databaseUrl, logger, { ...config, guestCartMs: config.guestCartDays * DAY_MS });
const registerChannel = openChannel(config.registerHost, { service: "register", credentials });
const register = registerClient(registerChannel, logger);
const verifyUserToken = userTokenVerifier({ keys: userKeys(sessionClient(registerChannel, logger), { logger }) });
const marketplaceChannel = openChannel(config.marketplaceHost, { service: "marketplace", credentials });
const stopping = new AbortController();
const now = () => new Date();

const deps = {
  ...store,
  payments: simulatedPayments(store.db, { slowMs: config.simulatedPaymentSlowMs, now }),
  findOffers: findOffers(marketplaceClient(marketplaceChannel, logger)),
  availableCopies: store.stock.available,
  canUsePromotion: store.promotion.available,
  isRegistered: isRegistered(register),
  userIds: userIds(register),
  metrics: orderMetrics(metrics),
  paymentWaitMs: config.paymentWaitMs,
  paymentAnswerMs: PAYMENT_ANSWER_MS,
  stopping: stopping.signal,
  ...{ logger, now },
};
const health = new Health(
  {
    [OrdersServiceDefinition.fullName]: store.check,
    [CartServiceDefinition.fullName]: store.check,
    [GuestCartServiceDefinition.fullName]: store.check,
    [StockServiceDefinition.fullName]: store.check,
    [PromotionServiceDefinition.fullName]: store.check,
  },
  { logger },
);
const events = new EventConsumer({
  ...{ name: "orders", db: store.db, ...config, logger, metrics },
  sources: [eventSource("register", eventLogClient(registerChannel, logger))],
  subscriptions: [deletedUsers],
});

const server = meshServer({ logger, metrics, health, credentials, verifyUserToken, ...config });
server.add(OrdersServiceDefinition, ordersHandler(deps));
server.add(CartServiceDefinition, cartHandler(deps));
server.add(GuestCartServiceDefinition, guestCartHandler(deps));
server.add(StockServiceDefinition, stockHandler(store.stock));
server.add(PromotionServiceDefinition, promotionHandler(deps));
server.add(EventLogServiceDefinition, eventLogHandler(store.events, config));
server.add(EventConsumerServiceDefinition, eventConsumerHandler(events));

logger.warn("payments are simulated: no money moves");
const telling = startEventLog(store.events, { ...config, logger, metrics, alsoPublish: createdQueue });
const settler = new Settler({
  ...deps,
  settleAfterMs: 2 * config.paymentWaitMs,
  paymentTimeoutMs: config.paymentTimeoutMs,
  removeExpiredCarts: store.carts.removeExpired,
});
const stopSettling = settler.start(config.settleIntervalMs);
events.start();

await runUntilSignal({
  server,
  mesh,
  ...config,
  health,
  metrics,
  logger,
  closers: [
    // The settler may be waiting for one.
    { name: "payments", close: () => stopping.abort() },
    { name: "settler", close: stopSettling },
    { name: "events", close: () => events.close() },
    { name: "event log", close: telling.close },
    { name: "register", close: () => registerChannel.close() },
    { name: "marketplace", close: () => marketplaceChannel.close() },
    { name: "store", close: store.close },
  ],
});
