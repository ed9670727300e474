import type { Migration } from "kysely/migration";

export const emailsOfUsers: Migration = {
  async up(db) {
    // For deleting those of one user.
    await db.schema.createIndex("emails_user").on("emails").columns(["user_id"]).execute();
  },
};
