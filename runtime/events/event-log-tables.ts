import type { Migration } from "kysely/migration";
import type { EventRow } from "./event.ts";

/** The tables of a service that tells others what has happened in it. */
export interface EventLogSchema {
  event_log: EventRow;
  /** One row. */
  event_log_head: { id: number; last_position: number };
  /** One row: how far a broker has what is in the log, and which process hands it on. */
  event_relay: { id: number; relayed_position: number; owner: string; lease_until_ms: number };
}

export const eventLogTables: Migration = {
  async up(db) {
    await db.schema
      .createTable("event_log")
      .addColumn("position", "bigint", (column) => column.notNull())
      .addColumn("id", "varchar(36)", (column) => column.notNull())
      .addColumn("type", "varchar(200)", (column) => column.notNull())
      .addColumn("subject", "text", (column) => column.notNull())
      .addColumn("time_ms", "bigint", (column) => column.notNull())
      .addColumn("trace_parent", "varchar(55)", (column) => column.notNull())
      .addColumn("data", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint("event_log_position_primary", ["position"])
      .addUniqueConstraint("event_log_id_unique", ["id"])
      .execute();
    await db.schema.createIndex("event_log_time").on("event_log").columns(["time_ms"]).execute();
    // Whoever holds this row gives out the next position, so positions are seen in the order they were given.
    await db.schema
      .createTable("event_log_head")
      .addColumn("id", "integer", (column) => column.notNull())
      .addColumn("last_position", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("event_log_head_id_primary", ["id"])
      .execute();
    // Apart from the head: handing events on keeps nobody from appending.
    await db.schema
      .createTable("event_relay")
      .addColumn("id", "integer", (column) => column.notNull())
      .addColumn("relayed_position", "bigint", (column) => column.notNull())
      .addColumn("owner", "varchar(36)", (column) => column.notNull())
      .addColumn("lease_until_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("event_relay_id_primary", ["id"])
      .execute();
    await db.insertInto("event_log_head").values({ id: 1, last_position: 0 }).execute();
    await db.insertInto("event_relay").values({ id: 1, relayed_position: 0, owner: "", lease_until_ms: 0 }).execute();
  },
};
