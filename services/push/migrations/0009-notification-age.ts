import type { Migration } from "kysely/migration";

export const notificationAge: Migration = {
  async up(db) {
    // For forgetting the oldest of all users.
    await db.schema.createIndex("notifications_created").on("notifications").columns(["created_at_ms"]).execute();
  },
};
