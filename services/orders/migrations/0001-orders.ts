import { sql } from "kysely";
import type { Migration } from "kysely/migration";
import { sortedText } from "../../../runtime/database.ts";

export const orders: Migration = {
  async up(db) {
    await db.schema
      .createTable("carts")
      .addColumn("owner", "varchar(64)", (column) => column.notNull())
      .addColumn("expires_at_ms", "bigint")
      .addPrimaryKeyConstraint("carts_owner_primary", ["owner"])
      .execute();
    await db.schema.createIndex("carts_expiry").on("carts").column("expires_at_ms").execute();
    await db.schema
      .createTable("cart_lines")
      .addColumn("owner", "varchar(64)", (column) => column.notNull())
      .addColumn("position", "integer", (column) => column.notNull())
      .addColumn("book_id", "integer", (column) => column.notNull())
      .addColumn("quantity", "integer", (column) => column.notNull())
      .addPrimaryKeyConstraint("cart_lines_owner_book_id_primary", ["owner", "book_id"])
      .execute();
    // The database itself refuses to sell what is not there.
    await db.schema
      .createTable("stock")
      .addColumn("book_id", "integer", (column) => column.notNull())
      .addColumn("on_hand", "integer", (column) => column.notNull())
      .addColumn("reserved", "integer", (column) => column.notNull())
      .addPrimaryKeyConstraint("stock_book_id_primary", ["book_id"])
      .addCheckConstraint("stock_not_oversold", sql`reserved >= 0 and on_hand >= reserved`)
      .execute();
    await db.schema
      .createTable("orders")
      .addColumn("id", sortedText(db), (column) => column.notNull())
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("idempotency_key", "varchar(64)", (column) => column.notNull())
      .addColumn("request_hash", "varchar(64)", (column) => column.notNull())
      .addColumn("state", "varchar(20)", (column) => column.notNull())
      .addColumn("currency_code", "varchar(3)", (column) => column.notNull())
      .addColumn("subtotal", "bigint", (column) => column.notNull())
      .addColumn("discount", "bigint", (column) => column.notNull())
      .addColumn("total", "bigint", (column) => column.notNull())
      .addColumn("created_at_ms", "bigint", (column) => column.notNull())
      .addColumn("cancel_requested_at_ms", "bigint")
      .addPrimaryKeyConstraint("orders_id_primary", ["id"])
      .addUniqueConstraint("orders_idempotency_key_unique", ["user_id", "idempotency_key"])
      .execute();
    await db.schema.createIndex("orders_by_user").on("orders").columns(["user_id", "created_at_ms", "id"]).execute();
    // A buyer whose payment is under way cannot buy the same cart a second time with another key.
    await db.schema
      .createIndex("orders_user_id_pending")
      .unique()
      .on("orders")
      .column("user_id")
      .where(sql<boolean>`state = 'PENDING_PAYMENT'`)
      .execute();
    // What the settler looks for, every few seconds, among all orders there ever were.
    await db.schema
      .createIndex("orders_being_paid")
      .on("orders")
      .column("id")
      .where(sql<boolean>`state = 'PENDING_PAYMENT'`)
      .execute();
    await db.schema
      .createIndex("orders_being_cancelled")
      .on("orders")
      .column("id")
      .where(sql<boolean>`cancel_requested_at_ms is not null and state = 'PLACED'`)
      .execute();
    await db.schema
      .createTable("order_lines")
      .addColumn("order_id", "varchar(36)", (column) => column.notNull())
      .addColumn("position", "integer", (column) => column.notNull())
      .addColumn("book_id", "integer", (column) => column.notNull())
      .addColumn("title", "text", (column) => column.notNull())
      .addColumn("quantity", "integer", (column) => column.notNull())
      .addColumn("unit_price", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("order_lines_order_id_position_primary", ["order_id", "position"])
      .execute();
    await db.schema
      .createTable("order_history")
      .addColumn("order_id", "varchar(36)", (column) => column.notNull())
      .addColumn("state", "varchar(20)", (column) => column.notNull())
      .addColumn("changed_at_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("order_history_order_id_state_primary", ["order_id", "state"])
      .execute();
    await db.schema
      .createTable("promotion_uses")
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("order_id", "varchar(36)", (column) => column.notNull())
      .addPrimaryKeyConstraint("promotion_uses_user_id_primary", ["user_id"])
      .execute();
    await db.schema
      .createTable("promotion_reminders")
      .addColumn("campaign", "varchar(63)", (column) => column.notNull())
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addPrimaryKeyConstraint("promotion_reminders_campaign_user_id_primary", ["campaign", "user_id"])
      .execute();
  },
};
