import type { Migration } from "kysely/migration";

export const emails: Migration = {
  async up(db) {
    // E-mails that are still to be sent. One that was sent, or given up, is deleted.
    await db.schema
      .createTable("emails")
      .addColumn("id", "varchar(36)", (column) => column.notNull())
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("kind", "varchar(32)", (column) => column.notNull())
      .addColumn("title", "text", (column) => column.notNull())
      .addColumn("content", "text", (column) => column.notNull())
      .addColumn("language", "varchar(35)", (column) => column.notNull())
      .addColumn("created_at_ms", "bigint", (column) => column.notNull())
      .addColumn("due_at_ms", "bigint", (column) => column.notNull())
      .addColumn("attempts", "integer", (column) => column.notNull())
      .addColumn("claimed_until_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("emails_id_primary", ["id"])
      .execute();
    await db.schema.createIndex("emails_due").on("emails").columns(["due_at_ms"]).execute();
  },
};
