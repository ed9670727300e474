import type { EventConsumerSchema } from "../../runtime/events/event-consumer.ts";
import type { EventLogSchema } from "../../runtime/events/event-log.ts";
import type { UserLockSchema } from "../../runtime/user-locks.ts";
import type { OrderState } from "./order-state.ts";

/** The tables of the store, but those of the simulated payment provider, which is somebody else. */
export interface Schema extends EventLogSchema, EventConsumerSchema, UserLockSchema {
  /** The owner is "user/<id>", or "guest/<hash of the id>". Those of users do not expire. */
  carts: { owner: string; expires_at_ms: number | null };
  cart_lines: { owner: string; position: number; book_id: number; quantity: number };
  stock: { book_id: number; on_hand: number; reserved: number };
  orders: OrderRow;
  order_lines: OrderLineRow;
  order_history: OrderHistoryRow;
  promotion_uses: { user_id: string; order_id: string };
  promotion_reminders: { campaign: string; user_id: string };
}

/** Amounts are in minor units of the currency. */
export interface OrderRow {
  id: string;
  user_id: string;
  idempotency_key: string;
  /** A hash of the request that had the key. */
  request_hash: string;
  state: OrderState;
  currency_code: string;
  subtotal: number;
  discount: number;
  total: number;
  created_at_ms: number;
  cancel_requested_at_ms: number | null;
}

export interface OrderLineRow {
  order_id: string;
  position: number;
  book_id: number;
  title: string;
  quantity: number;
  unit_price: number;
}

export interface OrderHistoryRow {
  order_id: string;
  state: OrderState;
  changed_at_ms: number;
}
