import type { Migration } from "kysely/migration";
import { sortedText } from "../../../runtime/database.ts";

export const comments: Migration = {
  async up(db) {
    // One row for each article or Review ("article/100"). Whoever changes what is said about it holds the row.
    await db.schema
      .createTable("comment_subjects")
      .addColumn("subject", sortedText(db), (column) => column.notNull())
      .addColumn("comment_count", "integer", (column) => column.notNull())
      .addPrimaryKeyConstraint("comment_subjects_subject_primary", ["subject"])
      .execute();
    // The number that was given last. Numbers of comments that are gone are never given again.
    await db.schema
      .createTable("comment_numbers")
      .addColumn("last_id", "bigint", (column) => column.notNull())
      .execute();
    await db.insertInto("comment_numbers").values({ last_id: 0 }).execute();
    await db.schema
      .createTable("comments")
      .addColumn("id", "bigint", (column) => column.notNull())
      .addColumn("subject", sortedText(db), (column) => column.notNull())
      .addColumn("thread_id", "bigint", (column) => column.notNull())
      // 0 for none.
      .addColumn("parent_id", "bigint", (column) => column.notNull())
      .addColumn("answer_count", "integer", (column) => column.notNull())
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("author_name", "varchar(100)", (column) => column.notNull())
      .addColumn("content", "text", (column) => column.notNull())
      .addColumn("created_at_ms", "bigint", (column) => column.notNull())
      .addColumn("edited_at_ms", "bigint")
      .addColumn("is_deleted", "integer", (column) => column.notNull())
      .addColumn("idempotency_key", "varchar(64)", (column) => column.notNull())
      .addColumn("fingerprint", "varchar(64)", (column) => column.notNull())
      .addPrimaryKeyConstraint("comments_id_primary", ["id"])
      .addUniqueConstraint("comments_idempotency_key_unique", ["user_id", "idempotency_key"])
      .execute();
    await db.schema.createIndex("comments_by_thread").on("comments").columns(["subject", "thread_id", "id"]).execute();
    await db.schema.createIndex("comments_by_user").on("comments").columns(["user_id", "id"]).execute();
  },
};
