import type { Migration } from "kysely/migration";

export const sessions: Migration = {
  async up(db) {
    // 0 or 1: SQLite has no other booleans.
    await db.schema
      .alterTable("users")
      .addColumn("administrator", "integer", (column) => column.notNull().defaultTo(0))
      .execute();
    await db.schema
      .createTable("sessions")
      .addColumn("id", "varchar(36)", (column) => column.notNull())
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      .addColumn("created_at_ms", "bigint", (column) => column.notNull())
      // When its last refresh token expires.
      .addColumn("expires_at_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("sessions_id_primary", ["id"])
      .addForeignKeyConstraint("sessions_user_id", ["user_id"], "users", ["id"], (key) => key.onDelete("cascade"))
      .execute();
    await db.schema.createIndex("sessions_of_user").on("sessions").columns(["user_id", "created_at_ms"]).execute();
    await db.schema.createIndex("sessions_by_expiry").on("sessions").columns(["expires_at_ms"]).execute();
    await db.schema
      .createTable("refresh_tokens")
      // SHA-256 of the token, in base64url.
      .addColumn("hash", "varchar(43)", (column) => column.notNull())
      .addColumn("session_id", "varchar(36)", (column) => column.notNull())
      .addColumn("expires_at_ms", "bigint", (column) => column.notNull())
      // Null until it is spent.
      .addColumn("spent_at_ms", "bigint")
      // What, together with the token, makes the next one. Null when that has been used.
      .addColumn("next_nonce", "varchar(43)")
      .addPrimaryKeyConstraint("refresh_tokens_hash_primary", ["hash"])
      .addForeignKeyConstraint("refresh_tokens_session_id", ["session_id"], "sessions", ["id"], (key) => key.onDelete("cascade"))
      .execute();
    await db.schema
      .createIndex("refresh_tokens_of_session")
      .on("refresh_tokens")
      .columns(["session_id", "spent_at_ms"])
      .execute();
    await db.schema.createIndex("refresh_tokens_by_expiry").on("refresh_tokens").columns(["expires_at_ms"]).execute();
    // Where users have signed in from: see attempts.ts.
    await db.schema
      .createTable("known_addresses")
      .addColumn("user_id", "varchar(36)", (column) => column.notNull())
      // An IPv4 address, or the first half of an IPv6 one.
      .addColumn("address", "varchar(64)", (column) => column.notNull())
      .addColumn("seen_at_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("known_addresses_primary", ["user_id", "address"])
      .addForeignKeyConstraint("known_addresses_user_id", ["user_id"], "users", ["id"], (key) => key.onDelete("cascade"))
      .execute();
    await db.schema.createIndex("known_addresses_by_age").on("known_addresses").columns(["seen_at_ms"]).execute();
    await db.schema
      .createTable("signing_keys")
      // 1 for the first key. Unique, so that of several replicas one makes the next.
      .addColumn("generation", "integer", (column) => column.notNull())
      .addColumn("id", "varchar(43)", (column) => column.notNull())
      // Ed25519, in base64url: the point, and the seed (RFC 8037).
      .addColumn("public_key", "varchar(43)", (column) => column.notNull())
      .addColumn("private_key", "varchar(43)", (column) => column.notNull())
      .addColumn("signs_from_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("signing_keys_generation_primary", ["generation"])
      .execute();
  },
};
