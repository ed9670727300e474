import type { Migration } from "kysely/migration";

export const interactionPositions: Migration = {
  async up(db) {
    // Finds what a log has lost without reading all that it has not.
    await db.schema.createIndex("interactions_position").on("interactions").columns(["kind", "position"]).execute();
  },
};
