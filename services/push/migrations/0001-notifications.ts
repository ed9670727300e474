import type { Migration } from "kysely/migration";

export const notifications: Migration = {
  async up(db) {
    // One row a user. Whoever holds it gives out the next id, so ids are seen in the order they were given.
    await db.schema
      .createTable("inboxes")
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("last_id", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("inboxes_user_id_primary", ["user_id"])
      .execute();
    await db.schema
      .createTable("notifications")
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("id", "bigint", (column) => column.notNull())
      .addColumn("content", "text", (column) => column.notNull())
      .addColumn("language", "varchar(35)", (column) => column.notNull())
      .addColumn("created_at_ms", "bigint", (column) => column.notNull())
      .addColumn("is_read", "integer", (column) => column.notNull())
      .addPrimaryKeyConstraint("notifications_user_id_id_primary", ["user_id", "id"])
      .execute();
    await db.schema.createIndex("notifications_unread").on("notifications").columns(["user_id", "is_read"]).execute();
  },
};
