import type { Migration } from "kysely/migration";
import type { EventRow } from "./event.ts";

/** An event that could not be handled, or that waits behind one of its subject that could not. */
export interface SetAsideRow extends EventRow {
  source: string;
  /** Empty if it only waits. */
  error: string;
  attempts: number;
  set_aside_at_ms: number;
}

/** The tables of a service that handles the events of others. */
export interface EventConsumerSchema {
  /** What was handled. */
  event_inbox: { source: string; id: string; handled_at_ms: number };
  /** How far each log was handled. */
  event_cursors: {
    source: string;
    position: number;
    handled_at_ms: number | null;
    /** The last event whose id was noted, and its position. A replica that knows no ids yet moves `position` alone. */
    event_id: string;
    event_position: number;
  };
  /** What is being handled again. */
  event_replays: { source: string; since_ms: number; position: number; until_position: number };
  set_aside_events: SetAsideRow;
}

export const eventConsumerTables: Migration = {
  async up(db) {
    await db.schema
      .createTable("event_inbox")
      .addColumn("source", "varchar(63)", (column) => column.notNull())
      .addColumn("id", "varchar(64)", (column) => column.notNull())
      .addColumn("handled_at_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("event_inbox_source_id_primary", ["source", "id"])
      .execute();
    await db.schema.createIndex("event_inbox_time").on("event_inbox").columns(["handled_at_ms"]).execute();
    // Whoever holds the row of a source handles its next event.
    await db.schema
      .createTable("event_cursors")
      .addColumn("source", "varchar(63)", (column) => column.notNull())
      .addColumn("position", "bigint", (column) => column.notNull())
      .addColumn("handled_at_ms", "bigint")
      .addPrimaryKeyConstraint("event_cursors_source_primary", ["source"])
      .execute();
    await db.schema
      .createTable("event_replays")
      .addColumn("source", "varchar(63)", (column) => column.notNull())
      .addColumn("since_ms", "bigint", (column) => column.notNull())
      .addColumn("position", "bigint", (column) => column.notNull())
      .addColumn("until_position", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("event_replays_source_primary", ["source"])
      .execute();
    await db.schema
      .createTable("set_aside_events")
      .addColumn("source", "varchar(63)", (column) => column.notNull())
      .addColumn("id", "varchar(64)", (column) => column.notNull())
      .addColumn("position", "bigint", (column) => column.notNull())
      .addColumn("type", "varchar(200)", (column) => column.notNull())
      .addColumn("subject", "text", (column) => column.notNull())
      .addColumn("time_ms", "bigint", (column) => column.notNull())
      .addColumn("trace_parent", "varchar(55)", (column) => column.notNull())
      .addColumn("data", "text", (column) => column.notNull())
      .addColumn("error", "text", (column) => column.notNull())
      .addColumn("attempts", "integer", (column) => column.notNull())
      .addColumn("set_aside_at_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("set_aside_events_source_id_primary", ["source", "id"])
      .execute();
    const subjects = db.schema.createIndex("set_aside_events_subject").on("set_aside_events");
    await subjects.columns(["source", "subject", "position"]).execute();
  },
};

/** The second migration of the same tables. */
export const eventCursorIds: Migration = {
  async up(db) {
    const cursors = db.schema.alterTable("event_cursors");
    await cursors.addColumn("event_id", "varchar(64)", (column) => column.notNull().defaultTo("")).execute();
    await cursors.addColumn("event_position", "bigint", (column) => column.notNull().defaultTo(0)).execute();
  },
};
