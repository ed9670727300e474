import type { EventLogSchema } from "../../runtime/events/event-log.ts";

/** The store of register, as migrations/ make it. */
export interface Schema extends EventLogSchema {
  user_ids: { id: string };
  users: UserRow;
  sessions: { id: string; user_id: string; created_at_ms: number; expires_at_ms: number };
  refresh_tokens: {
    hash: string;
    session_id: string;
    expires_at_ms: number;
    spent_at_ms: number | null;
    next_nonce: string | null;
  };
  known_addresses: { user_id: string; address: string; seen_at_ms: number };
  signing_keys: { generation: number; id: string; public_key: string; private_key: string; signs_from_ms: number };
}

export interface UserRow {
  id: string;
  email: string;
  email_key: string;
  name: string;
  language: string;
  country: string;
  password_hash: string | null;
  created_at_ms: number;
  /** 0 or 1 */
  administrator: number;
}
