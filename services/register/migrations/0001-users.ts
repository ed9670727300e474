import type { Migration } from "kysely/migration";

export const users: Migration = {
  async up(db) {
    // Every id that was ever given: other services keep things under it, also when the user is gone.
    await db.schema
      .createTable("user_ids")
      .addColumn("id", "varchar(36)", (column) => column.notNull())
      .addPrimaryKeyConstraint("user_ids_id_primary", ["id"])
      .execute();
    await db.schema
      .createTable("users")
      .addColumn("id", "varchar(36)", (column) => column.notNull())
      .addColumn("email", "varchar(100)", (column) => column.notNull())
      // The address as it is compared: in lower case.
      .addColumn("email_key", "varchar(100)", (column) => column.notNull())
      .addColumn("name", "varchar(100)", (column) => column.notNull())
      .addColumn("language", "varchar(35)", (column) => column.notNull())
      .addColumn("country", "varchar(60)", (column) => column.notNull())
      .addColumn("password_hash", "varchar(255)")
      .addColumn("created_at_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("users_id_primary", ["id"])
      .addUniqueConstraint("users_email_key_unique", ["email_key"])
      .execute();
    await db.schema.createIndex("users_by_age").on("users").columns(["created_at_ms", "id"]).execute();
  },
};
