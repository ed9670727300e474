import type { Migration } from "kysely/migration";

export const documents: Migration = {
  async up(db) {
    // Every blob stands here before it has bytes, and until they are gone: so none can be forgotten.
    await db.schema
      .createTable("blobs")
      .addColumn("id", "varchar(36)", (column) => column.notNull())
      .addColumn("kept_bytes", "bigint", (column) => column.notNull())
      .addColumn("state", "text", (column) => column.notNull())
      // When its bytes are to be removed. Null for those that are needed.
      .addColumn("doomed_at_ms", "bigint")
      .addPrimaryKeyConstraint("blobs_id_primary", ["id"])
      .execute();
    await db.schema.createIndex("blobs_doomed").on("blobs").column("doomed_at_ms").execute();
    await db.schema
      .createTable("uploads")
      .addColumn("id", "varchar(36)", (column) => column.notNull())
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("kind", "integer", (column) => column.notNull())
      .addColumn("name", "text", (column) => column.notNull())
      .addColumn("content_type", "varchar(100)", (column) => column.notNull())
      .addColumn("size", "bigint", (column) => column.notNull())
      .addColumn("sha256", "varchar(64)", (column) => column.notNull())
      .addColumn("book_id", "integer", (column) => column.notNull())
      // The call that may write. Null if none ever could.
      .addColumn("writer", "varchar(36)")
      .addColumn("complete", "integer", (column) => column.notNull())
      .addColumn("expires_at_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("uploads_id_primary", ["id"])
      .execute();
    await db.schema.createIndex("uploads_of_user").on("uploads").columns(["user_id", "complete"]).execute();
    await db.schema.createIndex("uploads_expiring").on("uploads").column("expires_at_ms").execute();
    await db.schema
      .createTable("documents")
      .addColumn("id", "varchar(36)", (column) => column.notNull())
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("kind", "integer", (column) => column.notNull())
      .addColumn("name", "text", (column) => column.notNull())
      .addColumn("content_type", "varchar(100)", (column) => column.notNull())
      .addColumn("size", "bigint", (column) => column.notNull())
      .addColumn("sha256", "varchar(64)", (column) => column.notNull())
      .addColumn("created_at_ms", "bigint", (column) => column.notNull())
      // One sample a book and one receipt an order: others have null, of which there may be many.
      .addColumn("book_id", "integer")
      .addColumn("order_id", "varchar(36)")
      .addPrimaryKeyConstraint("documents_id_primary", ["id"])
      .addUniqueConstraint("documents_book_id_unique", ["book_id"])
      .addUniqueConstraint("documents_order_id_unique", ["order_id"])
      .execute();
    await db.schema.createIndex("documents_of_user").on("documents").columns(["user_id", "created_at_ms", "id"]).execute();
    // One row a user. Whoever holds it may add to what the user keeps.
    await db.schema
      .createTable("keepers")
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addPrimaryKeyConstraint("keepers_user_id_primary", ["user_id"])
      .execute();
  },
};
