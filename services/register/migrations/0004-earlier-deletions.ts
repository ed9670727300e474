import { randomUUID } from "node:crypto";
import type { Migration } from "kysely/migration";
import { UserDeleted } from "../../../gen/bookstore/events/v1/user_events.ts";

/** SQLite takes 32,766 parameters in a query. */
const ROWS_A_QUERY = 1_000;

/** Tells of those who were deleted when nobody was told: what they have left behind is there still. */
export const earlierDeletions: Migration = {
  async up(db) {
    const deleted = await db
      .selectFrom("user_ids")
      .select("id")
      .where("id", "not in", db.selectFrom("users").select("id"))
      .orderBy("id")
      .execute();
    const time_ms = Date.now();
    const rows = deleted.map(({ id: userId }, place) => ({
      ...{
        position: place + 1,
        id: randomUUID(),
        type: UserDeleted.$type,
        subject: `users/${userId}`,
        time_ms,
        trace_parent: "",
      },
      data: Buffer.from(UserDeleted.encode({ userId }).finish()).toString("base64"),
    }));
    for (let first = 0; first < rows.length; first += ROWS_A_QUERY) {
      await db
        .insertInto("event_log")
        .values(rows.slice(first, first + ROWS_A_QUERY))
        .execute();
    }
    await db.updateTable("event_log_head").set({ last_position: rows.length }).execute();
  },
};
