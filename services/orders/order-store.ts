import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import { OrderCancelled, OrderPaymentFailed, OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { isUniqueViolation } from "../../runtime/database.ts";
import { Failure } from "../../runtime/errors.ts";
import type { EventLog } from "../../runtime/events/event-log.ts";
import { reached } from "../../runtime/steps.ts";
import { revisionOf, without } from "./cart.ts";
import { cartOf, changeCartOf } from "./cart-store.ts";
import { CartMoved, KeyTaken, type NewOrder, type Order, type OrderStore, priceChanged } from "./order.ts";
import { cancelledEvent, placedEvent } from "./order-events.ts";
import { lineRows, orderRow, readOrders } from "./order-rows.ts";
import { mayBecome, type OrderState } from "./order-state.ts";
import { takeBackPromotion, usePromotion } from "./promotion-store.ts";
import type { OrderRow, Schema } from "./schema.ts";
import { putBack, release, reserve, take } from "./stock.ts";

/** Keeps orders. Each change, all that follows from it and its event are one transaction. */
export function orderStore(db: Kysely<Schema>, events: EventLog, options: { defaultStock: number }): OrderStore {
  const one = async (from: Kysely<Schema>, row: Selectable<OrderRow>): Promise<Order> => {
    const [order] = await readOrders(from, [row]);
    return order as Order;
  };
  const find = async (userId: string, orderId: string) => {
    const row = await db
      .selectFrom("orders")
      .selectAll()
      .where("id", "=", orderId)
      .where("user_id", "=", userId)
      .executeTakeFirst();
    return row && one(db, row);
  };
  /** Moves an order on, and does what follows from it. Undefined if it is not in the state `from`, so somebody else has done it. */
  const advance = async (
    orderId: string,
    change: { from: OrderState; to: OrderState; now: Date },
    consequences: (transaction: Transaction<Schema>, order: Order) => Promise<void>,
  ): Promise<Order | undefined> => {
    const { from, to, now } = change;
    if (!mayBecome(from, to)) throw new Error(`no order goes from ${from} to ${to}`);
    const order = await db.transaction().execute(async (transaction) => {
      const row = await transaction
        .updateTable("orders")
        .set({ state: to })
        .where("id", "=", orderId)
        .where("state", "=", from)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return undefined;
      await noteState(transaction, orderId, to, now);
      const advanced = await one(transaction, row);
      await consequences(transaction, advanced);
      return advanced;
    });
    events.wake();
    return order;
  };

  return {
    async begin(order, now) {
      try {
        return await db.transaction().execute(async (transaction) => {
          const row = orderRow(order, now);
          await transaction.insertInto("orders").values(row).execute();
          reached("orders.key-noted");
          // Only now: whoever bought the same cart before has it emptied by the time that nothing of theirs is pending.
          const items = await cartOf(transaction, order.userId);
          if (revisionOf(items) !== revisionOf(order.lines)) throw new CartMoved();
          await transaction.insertInto("order_lines").values(lineRows(order)).execute();
          await noteState(transaction, order.id, row.state, now);
          if (order.price.discount > 0n && !(await usePromotion(transaction, order.userId, order.id))) {
            throw priceChanged({ ...order.price, total: order.price.subtotal });
          }
          const missing = await reserve(transaction, order.lines, options);
          if (missing.length > 0) throw outOfStock(missing);
          return one(transaction, row);
        });
      } catch (error) {
        if (isUniqueViolation(error, "idempotency_key")) throw new KeyTaken();
        if (isUniqueViolation(error, "user_id")) throw await paymentPending(db, order);
        throw error;
      }
    },

    place: (orderId, now) =>
      advance(orderId, { from: "PENDING_PAYMENT", to: "PLACED", now }, async (transaction, order) => {
        await take(transaction, order.lines);
        // A buyer who was deleted meanwhile has none any more; the order is placed all the same.
        await changeCartOf(transaction, order.userId, (items) => without(items, order.lines));
        await events.append(transaction, OrderPlaced, { subject: `orders/${orderId}`, data: placedEvent(order, now) });
        reached("orders.before-placed-commit");
      }),

    giveUp: (orderId, state, { tell, now }) =>
      advance(orderId, { from: "PENDING_PAYMENT", to: state, now }, async (transaction, order) => {
        await release(transaction, order.lines);
        await takeBackPromotion(transaction, order);
        const data = { orderId, userId: order.userId };
        if (tell) await events.append(transaction, OrderPaymentFailed, { subject: `orders/${orderId}`, data });
        reached("orders.before-given-up-commit");
      }),

    async requestCancel(userId, orderId, now) {
      await db
        .updateTable("orders")
        .set({ cancel_requested_at_ms: now.getTime() })
        .where("id", "=", orderId)
        .where("user_id", "=", userId)
        .where("state", "=", "PLACED")
        .where("cancel_requested_at_ms", "is", null)
        .execute();
      return find(userId, orderId);
    },

    cancel: (orderId, now) =>
      advance(orderId, { from: "PLACED", to: "CANCELLED", now }, async (transaction, order) => {
        await putBack(transaction, order.lines);
        await takeBackPromotion(transaction, order);
        await events.append(transaction, OrderCancelled, { subject: `orders/${orderId}`, data: cancelledEvent(order) });
      }),

    async stateOf(orderId) {
      const row = await db.selectFrom("orders").select("state").where("id", "=", orderId).executeTakeFirst();
      return row?.state;
    },

    get: find,

    async list(userId, { after, limit }) {
      let query = db
        .selectFrom("orders")
        .selectAll()
        .where("user_id", "=", userId)
        .orderBy("created_at_ms", "desc")
        .orderBy("id", "desc")
        .limit(limit);
      if (after !== undefined) {
        query = query.where(({ eb, or, and }) =>
          or([
            eb("created_at_ms", "<", after.createdAtMs),
            and([eb("created_at_ms", "=", after.createdAtMs), eb("id", "<", after.id)]),
          ]),
        );
      }
      return readOrders(db, await query.execute());
    },

    async findByKey(userId, idempotencyKey) {
      const row = await db
        .selectFrom("orders")
        .selectAll()
        .where("user_id", "=", userId)
        .where("idempotency_key", "=", idempotencyKey)
        .executeTakeFirst();
      return row && { order: await one(db, row), requestHash: row.request_hash };
    },

    async unsettled(before, afterId, limit) {
      const some = db.selectFrom("orders").selectAll().where("id", ">", afterId).orderBy("id").limit(limit);
      // The conditions of the two indexes word for word: SQLite uses one only if it sees them.
      const rows = [
        ...(await some.where(sql<boolean>`state = 'PENDING_PAYMENT'`).where("created_at_ms", "<=", before.getTime()).execute()),
        ...(await some
          .where(sql<boolean>`cancel_requested_at_ms is not null and state = 'PLACED'`)
          .where("cancel_requested_at_ms", "<=", before.getTime())
          .execute()),
      ];
      return readOrders(db, rows.toSorted((one, other) => (one.id < other.id ? -1 : 1)).slice(0, limit));
    },
  };
}

async function noteState(transaction: Transaction<Schema>, orderId: string, state: OrderState, now: Date): Promise<void> {
  await transaction.insertInto("order_history").values({ order_id: orderId, state, changed_at_ms: now.getTime() }).execute();
}

function outOfStock(bookIds: readonly number[]): Failure {
  return new Failure("failed-precondition", "there are not enough copies", {
    reason: "OUT_OF_STOCK",
    metadata: { book_ids: bookIds.join(",") },
  });
}

async function paymentPending(db: Kysely<Schema>, { userId }: NewOrder): Promise<Failure> {
  const pending = await db
    .selectFrom("orders")
    .select("id")
    .where("user_id", "=", userId)
    .where("state", "=", "PENDING_PAYMENT")
    .executeTakeFirst();
  return new Failure("failed-precondition", "another order waits for its payment", {
    reason: "PAYMENT_PENDING",
    metadata: pending === undefined ? {} : { order_id: pending.id },
  });
}
