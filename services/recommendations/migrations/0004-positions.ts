import type { Migration } from "kysely/migration";

export const positions: Migration = {
  async up(db) {
    // Of the event in the log of its source. 0 for what was noted before: any event is newer.
    await db.schema
      .alterTable("interactions")
      .addColumn("position", "bigint", (column) => column.notNull().defaultTo(0))
      .execute();
  },
};
