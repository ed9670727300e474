import { Registry } from "prom-client";
import { EventLogServiceDefinition } from "../../../gen/bookstore/events/v1/event_log_service.ts";
import { CartServiceDefinition, GuestCartServiceDefinition } from "../../../gen/bookstore/orders/v1/cart_service.ts";
import { OrdersServiceDefinition } from "../../../gen/bookstore/orders/v1/orders_service.ts";
import { PromotionServiceDefinition } from "../../../gen/bookstore/orders/v1/promotion_service.ts";
import { StockServiceDefinition } from "../../../gen/bookstore/orders/v1/stock_service.ts";
import { eventLogHandler } from "../../../runtime/events/event-log-handler.ts";
import { cartHandler, guestCartHandler } from "../../../services/orders/cart-handler.ts";
import { orderMetrics } from "../../../services/orders/order-metrics.ts";
import { ordersHandler } from "../../../services/orders/orders-handler.ts";
import type { PaymentProvider } from "../../../services/orders/payment.ts";
import { promotionHandler } from "../../../services/orders/promotion-handler.ts";
import { simulatedPayments } from "../../../services/orders/simulated-payments.ts";
import { stockHandler } from "../../../services/orders/stock-handler.ts";
import { type OrdersStore, openOrdersStore } from "../../../services/orders/store.ts";
import { ORDER_ID, USER_ID } from "../values.ts";
import type { AddServices } from "./making.ts";

const unitPrice = { currencyCode: "USD", minorUnits: 0n };

export const addOrders: AddServices = async (server, { databaseUrl, logger, logs, stack }) => {
  const store = await openOrdersStore(databaseUrl, logger, { defaultStock: 1_000_000, guestCartMs: 60_000 });
  stack.defer(store.close);
  logs.set("orders", store.events);
  const now = () => new Date();
  const payments = simulatedPayments(store.db, { slowMs: 1_000, now });
  await placeOne(store, payments, now());
  const deps = {
    ...{ ...store, payments, logger, now, metrics: orderMetrics(new Registry()), paymentWaitMs: 100, paymentAnswerMs: 1_000 },
    // Books cost nothing, so that a request says the right total now and then.
    findOffers: async (bookIds: readonly number[]) =>
      new Map(bookIds.map((bookId) => [bookId, { bookId, title: `Book ${bookId}`, unitPrice }])),
    availableCopies: store.stock.available,
    canUsePromotion: store.promotion.available,
    isRegistered: async () => true,
    async *userIds() {
      yield [USER_ID, "7000001"];
    },
    stopping: new AbortController().signal,
  };
  server.add(OrdersServiceDefinition, ordersHandler(deps));
  server.add(CartServiceDefinition, cartHandler(deps));
  server.add(GuestCartServiceDefinition, guestCartHandler(deps));
  server.add(StockServiceDefinition, stockHandler(store.stock));
  server.add(PromotionServiceDefinition, promotionHandler(deps));
  server.add(EventLogServiceDefinition, eventLogHandler(store.events, {}));
};

/** So that requests are about an order that is there. */
async function placeOne(store: OrdersStore, payments: PaymentProvider, now: Date): Promise<void> {
  const lines = [{ bookId: 1, title: "Book 1", quantity: 1, unitPrice }];
  const price = { currencyCode: unitPrice.currencyCode, subtotal: 0n, discount: 0n, total: 0n };
  await store.carts.change({ userId: USER_ID }, now, () => [{ bookId: 1, quantity: 1 }]);
  await store.orders.begin({ id: ORDER_ID, userId: USER_ID, idempotencyKey: "first", requestHash: "", lines, price }, now);
  await payments.charge(ORDER_ID, unitPrice, "tok_ok", new AbortController().signal);
  await store.orders.place(ORDER_ID, now);
}
