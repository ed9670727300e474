import type { Migration } from "kysely/migration";

export const traffic: Migration = {
  async up(db) {
    // One row: counts up with every change. Whoever holds it is the only one who changes rules.
    await db.schema
      .createTable("traffic_revision")
      .addColumn("number", "bigint", (column) => column.notNull())
      .execute();
    await db.insertInto("traffic_revision").values({ number: 0 }).execute();
    // One row for each thing that is set.
    await db.schema
      .createTable("traffic_rules")
      .addColumn("service", "varchar(63)", (column) => column.notNull())
      // split, fault, balancing or ejection
      .addColumn("kind", "varchar(16)", (column) => column.notNull())
      // Of an ejection; empty for the others.
      .addColumn("instance_id", "varchar(128)", (column) => column.notNull())
      // JSON
      .addColumn("value", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint("traffic_rules_service_kind_instance_id_primary", ["service", "kind", "instance_id"])
      .execute();
  },
};
