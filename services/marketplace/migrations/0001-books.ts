import { randomUUID } from "node:crypto";
import type { Migration } from "kysely/migration";
import { sortedText } from "../../../runtime/database.ts";

/** Numbers below are for the built-in catalogue, which names its own and grows. */
export const FIRST_FREE_ID = 100_001;

export const books: Migration = {
  async up(db) {
    // One row. Whoever changes the catalogue holds it, so that revisions are seen in the order they were given.
    await db.schema
      .createTable("catalogue")
      .addColumn("revision", "bigint", (column) => column.notNull())
      .addColumn("next_id", "integer", (column) => column.notNull())
      // Revisions of another catalogue mean nothing in this one.
      .addColumn("catalogue_id", "varchar(36)", (column) => column.notNull())
      .execute();
    await db.insertInto("catalogue").values({ revision: 0, next_id: FIRST_FREE_ID, catalogue_id: randomUUID() }).execute();

    await db.schema
      .createTable("books")
      .addColumn("id", "integer", (column) => column.notNull())
      // Where the book came from, and its number there: what comes again changes it instead of adding another.
      .addColumn("source", "varchar(20)", (column) => column.notNull())
      .addColumn("source_id", "integer", (column) => column.notNull())
      .addColumn("title", "text", (column) => column.notNull())
      .addColumn("authors", "text", (column) => column.notNull())
      .addColumn("first_published", "integer", (column) => column.notNull())
      .addColumn("category", "integer", (column) => column.notNull())
      .addColumn("language", "varchar(35)", (column) => column.notNull())
      .addColumn("price_currency", "varchar(3)", (column) => column.notNull())
      .addColumn("price_minor_units", "bigint", (column) => column.notNull())
      .addColumn("summary", "text", (column) => column.notNull())
      .addColumn("rating_average", "double precision", (column) => column.notNull())
      .addColumn("rating_count", "bigint", (column) => column.notNull())
      // Without case, accents and punctuation: what is sorted by, searched, and compared with other sources.
      .addColumn("title_key", sortedText(db), (column) => column.notNull())
      .addColumn("search_text", "text", (column) => column.notNull())
      .addColumn("work_key", "text", (column) => column.notNull())
      .addColumn("revision", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("books_id_primary", ["id"])
      .addUniqueConstraint("books_source_unique", ["source", "source_id"])
      .execute();
    await db.schema.createIndex("books_by_title").on("books").columns(["title_key", "id"]).execute();
    await db.schema.createIndex("books_by_category").on("books").columns(["category", "title_key", "id"]).execute();
    await db.schema.createIndex("books_by_work").on("books").column("work_key").execute();
    await db.schema.createIndex("books_by_revision").on("books").columns(["revision", "id"]).execute();
  },
};
