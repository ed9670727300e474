import type { Migration } from "kysely/migration";
import { sortedText } from "../../../runtime/database.ts";

export const reviews: Migration = {
  async up(db) {
    await db.schema
      .createTable("reviews")
      .addColumn("id", sortedText(db), (column) => column.notNull())
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("book_id", "integer", (column) => column.notNull())
      .addColumn("rating", "integer", (column) => column.notNull())
      .addColumn("text", "text", (column) => column.notNull())
      .addColumn("author_name", "varchar(100)", (column) => column.notNull())
      .addColumn("created_at_ms", "bigint", (column) => column.notNull())
      .addColumn("updated_at_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("reviews_id_primary", ["id"])
      .addUniqueConstraint("reviews_book_id_unique", ["user_id", "book_id"])
      .execute();
    await db.schema.createIndex("reviews_by_age").on("reviews").columns(["book_id", "created_at_ms", "id"]).execute();
    // One row a Book. Whoever changes a Review of it holds the row, so sum and count are always those of the Reviews.
    await db.schema
      .createTable("book_ratings")
      .addColumn("book_id", "integer", (column) => column.notNull())
      .addColumn("rating_sum", "bigint", (column) => column.notNull())
      .addColumn("rating_count", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("book_ratings_book_id_primary", ["book_id"])
      .execute();
  },
};
