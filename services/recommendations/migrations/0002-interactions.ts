import { randomUUID } from "node:crypto";
import type { Migration } from "kysely/migration";

export const interactions: Migration = {
  async up(db) {
    // One row. Whoever changes interactions holds it, so revisions are seen in the order they were given.
    await db.schema
      .createTable("interactions_head")
      // A model that was learned from another store is not one for this.
      .addColumn("store_id", "varchar(36)", (column) => column.notNull())
      .addColumn("revision", "bigint", (column) => column.notNull())
      .execute();
    await db.insertInto("interactions_head").values({ store_id: randomUUID(), revision: 0 }).execute();
    await db.schema
      .createTable("interactions")
      // "bought" or "rated", and the id of the Order or of the Review: an event that comes again says the same of the same row.
      .addColumn("kind", "varchar(8)", (column) => column.notNull())
      .addColumn("origin_id", "varchar(64)", (column) => column.notNull())
      .addColumn("book_id", "integer", (column) => column.notNull())
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      // 0 where nothing was rated.
      .addColumn("rating", "integer", (column) => column.notNull())
      // 0 for an Order that was cancelled and a rating that was taken back. Their rows stay: an older event may yet come again.
      .addColumn("counts", "integer", (column) => column.notNull())
      .addColumn("happened_at_ms", "bigint", (column) => column.notNull())
      .addColumn("revision", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("interactions_origin_id_primary", ["kind", "origin_id", "book_id"])
      .execute();
    await db.schema.createIndex("interactions_reader").on("interactions").columns(["user_id"]).execute();
    await db.schema.createIndex("interactions_changed").on("interactions").columns(["revision"]).execute();
  },
};
