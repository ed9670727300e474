import type { Migration } from "kysely/migration";

export const forgottenReaders: Migration = {
  async up(db) {
    // Users who were deleted. Their rows stay: an older event may yet come.
    await db.schema
      .createTable("forgotten_readers")
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      // Tells whoever learns that this reader has changed, too.
      .addColumn("revision", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("forgotten_readers_user_id_primary", ["user_id"])
      .execute();
    await db.schema.createIndex("forgotten_readers_changed").on("forgotten_readers").columns(["revision"]).execute();
  },
};
