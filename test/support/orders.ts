import { type Channel, Metadata } from "nice-grpc";
import { Registry } from "prom-client";
import type { MarketplaceClient } from "../../clients/marketplace.ts";
import {
  type CartClient,
  cartClient,
  type GuestCartClient,
  guestCartClient,
  type OrdersClient,
  ordersClient,
  type PromotionClient,
  promotionClient,
  type StockClient,
  stockClient,
} from "../../clients/orders.ts";
import type { RegisterClient } from "../../clients/register.ts";
import { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import { EventConsumerServiceDefinition } from "../../gen/bookstore/events/v1/event_consumer_service.ts";
import { EventLogServiceDefinition } from "../../gen/bookstore/events/v1/event_log_service.ts";
import { CartServiceDefinition, GuestCartServiceDefinition } from "../../gen/bookstore/orders/v1/cart_service.ts";
import { OrdersServiceDefinition } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { PromotionServiceDefinition } from "../../gen/bookstore/orders/v1/promotion_service.ts";
import { StockServiceDefinition } from "../../gen/bookstore/orders/v1/stock_service.ts";
import { EventConsumer } from "../../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../../runtime/events/event-consumer-handler.ts";
import { eventLogHandler } from "../../runtime/events/event-log-handler.ts";
import { createLogger, type Logger } from "../../runtime/logger.ts";
import { cartHandler, guestCartHandler } from "../../services/orders/cart-handler.ts";
import { deletedUsers } from "../../services/orders/deleted-users.ts";
import { orderMetrics } from "../../services/orders/order-metrics.ts";
import { ordersHandler } from "../../services/orders/orders-handler.ts";
import type { PaymentProvider } from "../../services/orders/payment.ts";
import { findOffers, isRegistered, userIds } from "../../services/orders/peers.ts";
import { promotionHandler } from "../../services/orders/promotion-handler.ts";
import type { Schema } from "../../services/orders/schema.ts";
import { Settler } from "../../services/orders/settler.ts";
import { simulatedPayments } from "../../services/orders/simulated-payments.ts";
import { stockHandler } from "../../services/orders/stock-handler.ts";
import { type OrdersStore, openOrdersStore } from "../../services/orders/store.ts";
import { testDatabase } from "./database.ts";
import { LogLines } from "./log-lines.ts";
import { CALLER_HEADER, plaintext } from "./plaintext.ts";
import { type Service, type StoreOptions, startService } from "./service.ts";

/** Every method of orders. */
export type OrdersClients = OrdersClient & CartClient & GuestCartClient & PromotionClient & StockClient;

export interface OrdersOptions extends StoreOptions {
  /** The default has every user. */
  register?: Pick<RegisterClient, "checkRegistered" | "listUserIds">;
  /** The default has every book, called "Book 1" and so on, for 10 dollars. */
  marketplace?: Pick<MarketplaceClient, "batchGetBooks">;
  /** The default is that which comes with the shop. */
  payments?: (simulated: PaymentProvider) => PaymentProvider;
  now?: () => Date;
  /** The default is 1,000. */
  defaultStock?: number;
  /** The default is 3 seconds. */
  paymentWaitMs?: number;
  /** The default is 10 seconds. */
  paymentAnswerMs?: number;
  /** The default is 5 seconds. */
  slowMs?: number;
}

export interface OrdersUnderTest extends Service<OrdersClients> {
  readonly store: OrdersStore;
  readonly url: string;
  readonly payments: PaymentProvider;
  /** Of orders and payments. */
  readonly sales: Registry;
  /** Nobody starts it: look with it. */
  readonly settler: Settler;
  /** Nobody follows register: hand it events by `handle`. */
  readonly events: EventConsumer<Schema>;
}

/** What a call of somebody carries: `client.setStock(request, { metadata: calledBy("operator") })`. */
export function calledBy(caller: string): Metadata {
  return new Metadata({ [CALLER_HEADER]: caller });
}

const anyUser: NonNullable<OrdersOptions["register"]> = {
  checkRegistered: async ({ key }) => ({
    user: { id: key?.value ?? "", email: "", name: "", language: "", country: "", createTime: undefined },
  }),
  listUserIds: async () => ({ userIds: [], nextPageToken: "" }),
};

const anyBook: NonNullable<OrdersOptions["marketplace"]> = {
  batchGetBooks: async ({ bookIds = [] }) => ({
    books: bookIds.map((id) => Book.fromPartial({ id, title: `Book ${id}`, price: { currencyCode: "USD", minorUnits: 1000n } })),
  }),
};

/** Serves orders. */
export async function startOrders(options: OrdersOptions = {}): Promise<OrdersUnderTest> {
  await using stack = new AsyncDisposableStack();
  const { register = anyUser, marketplace = anyBook, now = () => new Date(), paymentWaitMs = 3_000 } = options;
  const url = options.url ?? stack.use(await testDatabase()).url;
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "info", destination: logs });
  const stores = { defaultStock: options.defaultStock ?? 1_000, guestCartMs: 30 * 86_400_000 };
  const store = await openOrdersStore(url, logger, stores);
  stack.defer(store.close);
  const stopping = new AbortController();
  stack.defer(() => stopping.abort());
  const simulated = simulatedPayments(store.db, { slowMs: options.slowMs ?? 5_000, now });
  const payments = options.payments?.(simulated) ?? simulated;
  const metrics = new Registry();
  const deps = {
    ...store,
    ...{ payments, logger, now, paymentWaitMs, paymentAnswerMs: options.paymentAnswerMs ?? 10_000 },
    findOffers: findOffers(marketplace),
    availableCopies: store.stock.available,
    canUsePromotion: store.promotion.available,
    isRegistered: isRegistered(register),
    userIds: userIds(register),
    metrics: orderMetrics(metrics),
    stopping: stopping.signal,
  };
  const consumer = new EventConsumer({
    ...{ name: "orders", db: store.db, sources: [], subscriptions: [deletedUsers], logger, metrics: new Registry() },
  });
  stack.defer(() => consumer.close());
  const service = stack.use(
    await startService<OrdersClients>({
      ...{ logs, port: options.port ?? 0, users: options.users },
      credentials: options.credentials ?? plaintext("marketplace"),
      client: allClients,
      add(server) {
        server.add(OrdersServiceDefinition, ordersHandler(deps));
        server.add(CartServiceDefinition, cartHandler(deps));
        server.add(GuestCartServiceDefinition, guestCartHandler(deps));
        server.add(StockServiceDefinition, stockHandler(store.stock));
        server.add(PromotionServiceDefinition, promotionHandler(deps));
        server.add(EventLogServiceDefinition, eventLogHandler(store.events, {}));
        server.add(EventConsumerServiceDefinition, eventConsumerHandler(consumer));
      },
      checks: { [OrdersServiceDefinition.fullName]: store.check },
    }),
  );
  const settler = new Settler({
    ...deps,
    settleAfterMs: 2 * paymentWaitMs,
    paymentTimeoutMs: 60_000,
    removeExpiredCarts: store.carts.removeExpired,
  });
  const owned = stack.move();
  return {
    ...service,
    store,
    url,
    payments,
    settler,
    events: consumer,
    sales: metrics,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function allClients(channel: Channel, logger: Logger): OrdersClients {
  return {
    ...ordersClient(channel, logger),
    ...cartClient(channel, logger),
    ...guestCartClient(channel, logger),
    ...promotionClient(channel, logger),
    ...stockClient(channel, logger),
  };
}
