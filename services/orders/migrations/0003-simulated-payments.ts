import type { Migration } from "kysely/migration";

export const simulatedPaymentsTables: Migration = {
  async up(db) {
    await db.schema
      .createTable("simulated_payments")
      .addColumn("order_id", "varchar(36)", (column) => column.notNull())
      .addColumn("currency_code", "varchar(3)", (column) => column.notNull())
      .addColumn("minor_units", "bigint", (column) => column.notNull())
      .addColumn("payment", "varchar(20)", (column) => column.notNull())
      .addColumn("known_at_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("simulated_payments_order_id_primary", ["order_id"])
      .execute();
  },
};
