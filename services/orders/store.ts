import { type Database, openDatabase } from "../../runtime/database.ts";
import { eventConsumerTables, eventCursorIds } from "../../runtime/events/event-consumer.ts";
import { EventLog, eventLogTables } from "../../runtime/events/event-log.ts";
import type { Logger } from "../../runtime/logger.ts";
import { userLockTables } from "../../runtime/user-locks.ts";
import { cartStore } from "./cart-store.ts";
import { orders } from "./migrations/0001-orders.ts";
import { simulatedPaymentsTables } from "./migrations/0003-simulated-payments.ts";
import { orderStore } from "./order-store.ts";
import { promotionStore } from "./promotion-store.ts";
import type { Schema } from "./schema.ts";
import { stockStore } from "./stock.ts";

export interface StoreOptions {
  /** The copies of a book that was never counted. */
  defaultStock: number;
  /** How long a guest's cart lives after the last change. */
  guestCartMs: number;
}

export interface OrdersStore extends Database<Schema> {
  carts: ReturnType<typeof cartStore>;
  stock: ReturnType<typeof stockStore>;
  orders: ReturnType<typeof orderStore>;
  promotion: ReturnType<typeof promotionStore>;
  events: EventLog;
}

/** Opens carts, stock and orders at `url` and brings their schema up to date. */
export async function openOrdersStore(url: string, logger: Logger, options: StoreOptions): Promise<OrdersStore> {
  const migrations = {
    "0001-orders": orders,
    "0002-event-log": eventLogTables,
    "0003-simulated-payments": simulatedPaymentsTables,
    "0004-events": eventConsumerTables,
    "0005-event-cursor-ids": eventCursorIds,
    "0006-user-locks": userLockTables,
  };
  const database = await openDatabase<Schema>({ url, logger, migrations });
  const { db } = database;
  const events = new EventLog(db, { source: "orders" });
  return {
    ...database,
    carts: cartStore(db, options),
    stock: stockStore(db, options),
    orders: orderStore(db, events, options),
    promotion: promotionStore(db, events),
    events,
  };
}
