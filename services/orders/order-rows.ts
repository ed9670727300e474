import type { Kysely, Selectable } from "kysely";
import { Failure } from "../../runtime/errors.ts";
import type { NewOrder, Order } from "./order.ts";
import { orderStates } from "./order-state.ts";
import type { OrderLineRow, OrderRow, Schema } from "./schema.ts";

export function orderRow({ id, userId, idempotencyKey, requestHash, price }: NewOrder, now: Date): OrderRow {
  return {
    ...{ id, user_id: userId, idempotency_key: idempotencyKey, request_hash: requestHash, state: "PENDING_PAYMENT" },
    currency_code: price.currencyCode,
    subtotal: exact(price.subtotal),
    discount: exact(price.discount),
    total: exact(price.total),
    created_at_ms: now.getTime(),
    cancel_requested_at_ms: null,
  };
}

export function lineRows({ id, lines }: NewOrder): OrderLineRow[] {
  return lines.map(({ bookId, title, quantity, unitPrice }, position) => ({
    ...{ order_id: id, position, book_id: bookId, title, quantity },
    unit_price: exact(unitPrice.minorUnits),
  }));
}

/** Columns are read as numbers, which are exact up to 90 trillion of whatever has hundredths. */
function exact(minorUnits: bigint): number {
  const number = Number(minorUnits);
  if (!Number.isSafeInteger(number))
    throw new Failure("failed-precondition", "nothing costs that much", { reason: "PRICE_TOO_HIGH" });
  return number;
}

/** The orders of these rows, in their order. */
export async function readOrders(db: Kysely<Schema>, rows: readonly Selectable<OrderRow>[]): Promise<Order[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const lines = await db.selectFrom("order_lines").selectAll().where("order_id", "in", ids).orderBy("position").execute();
  const history = await db.selectFrom("order_history").selectAll().where("order_id", "in", ids).execute();
  const linesOf = Map.groupBy(lines, ({ order_id }) => order_id);
  const historyOf = Map.groupBy(history, ({ order_id }) => order_id);
  return rows.map((row) => ({
    ...{ id: row.id, userId: row.user_id, state: row.state, createdAt: new Date(row.created_at_ms) },
    lines: (linesOf.get(row.id) ?? []).map((line) => ({
      ...{ bookId: line.book_id, title: line.title, quantity: line.quantity },
      unitPrice: { currencyCode: row.currency_code, minorUnits: BigInt(line.unit_price) },
    })),
    price: {
      currencyCode: row.currency_code,
      subtotal: BigInt(row.subtotal),
      discount: BigInt(row.discount),
      total: BigInt(row.total),
    },
    // An order comes to each state once, and to none before those that stand before it; it may have come to one since its row was read.
    history: (historyOf.get(row.id) ?? [])
      .filter(({ state }) => orderStates.indexOf(state) <= orderStates.indexOf(row.state))
      .toSorted((one, other) => orderStates.indexOf(one.state) - orderStates.indexOf(other.state))
      .map(({ state, changed_at_ms }) => ({ state, at: new Date(changed_at_ms) })),
    cancelRequestedAt: row.cancel_requested_at_ms === null ? undefined : new Date(row.cancel_requested_at_ms),
  }));
}
