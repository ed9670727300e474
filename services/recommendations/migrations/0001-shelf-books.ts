import type { Migration } from "kysely/migration";

export const shelfBooks: Migration = {
  async up(db) {
    // One row: how far the catalogue of the marketplace has been followed.
    await db.schema
      .createTable("cursor")
      .addColumn("catalogue_id", "varchar(36)", (column) => column.notNull())
      .addColumn("revision", "bigint", (column) => column.notNull())
      .execute();
    await db.insertInto("cursor").values({ catalogue_id: "", revision: 0 }).execute();
    await db.schema
      .createTable("shelf_books")
      .addColumn("id", "integer", (column) => column.notNull())
      // The Book as the marketplace sent it, encoded by its contract, in base64.
      .addColumn("book", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint("shelf_books_id_primary", ["id"])
      .execute();
  },
};
