import type { Migration } from "kysely/migration";

export const deliveryTimes: Migration = {
  async up(db) {
    // What was delivered before counts as delivered now, and so what a replica delivers that does not know the column yet.
    const now = Date.now();
    await db.schema
      .alterTable("deliveries")
      .addColumn("delivered_at_ms", "bigint", (column) => column.notNull().defaultTo(now))
      .execute();
    await db.schema.createIndex("deliveries_delivered").on("deliveries").columns(["delivered_at_ms"]).execute();
  },
};
