import type { Migration } from "kysely/migration";

export const emailTurns: Migration = {
  async up(db) {
    // E-mails that were sent within an hour, or are being sent.
    await db.schema
      .createTable("email_turns")
      .addColumn("email_id", "varchar(36)", (column) => column.notNull())
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("kind", "varchar(32)", (column) => column.notNull())
      .addColumn("taken_at_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("email_turns_email_id_primary", ["email_id"])
      .execute();
    await db.schema.createIndex("email_turns_user").on("email_turns").columns(["user_id", "kind"]).execute();
  },
};
