import type { Migration } from "kysely/migration";

export const kindsAndPreferences: Migration = {
  async up(db) {
    const text = { kind: "message", title: "", order_id: "" };
    for (const [column, value] of Object.entries(text)) {
      await db.schema
        .alterTable("notifications")
        .addColumn(column, "text", (definition) => definition.notNull().defaultTo(value))
        .execute();
    }
    for (const column of ["book_id", "article_id", "comment_id", "is_quiet"]) {
      await db.schema
        .alterTable("notifications")
        .addColumn(column, "bigint", (definition) => definition.notNull().defaultTo(0))
        .execute();
    }
    // What has been delivered under a key. Without an id it was not for the web.
    await db.schema
      .createTable("deliveries")
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("delivery_key", "varchar(160)", (column) => column.notNull())
      .addColumn("notification_id", "bigint")
      .addPrimaryKeyConstraint("deliveries_delivery_key_primary", ["user_id", "delivery_key"])
      .execute();
    await db.schema
      .createTable("opt_outs")
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("kind", "varchar(32)", (column) => column.notNull())
      .addColumn("way", "varchar(8)", (column) => column.notNull())
      .addPrimaryKeyConstraint("opt_outs_way_primary", ["user_id", "kind", "way"])
      .execute();
    // One row a user who has said something. The quiet hours are all set, or none.
    await db.schema
      .createTable("preferences")
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("quiet_from", "varchar(5)")
      .addColumn("quiet_to", "varchar(5)")
      .addColumn("time_zone", "varchar(64)")
      .addPrimaryKeyConstraint("preferences_user_id_primary", ["user_id"])
      .execute();
    await db.schema
      .createTable("unsubscribe_tokens")
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("token", "varchar(43)", (column) => column.notNull())
      .addPrimaryKeyConstraint("unsubscribe_tokens_user_id_primary", ["user_id"])
      .addUniqueConstraint("unsubscribe_tokens_token_unique", ["token"])
      .execute();
  },
};
