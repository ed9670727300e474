import type { EventConsumerSchema } from "../../runtime/events/event-consumer.ts";
import type { UserLockSchema } from "../../runtime/user-locks.ts";
import type { Kind } from "./kind.ts";
import type { Way } from "./preferences.ts";

/** The store of push, as migrations/ make it. */
export interface Schema extends EventConsumerSchema, UserLockSchema {
  inboxes: { user_id: string; last_id: number };
  notifications: NotificationRow;
  deliveries: { user_id: string; delivery_key: string; notification_id: number | null; delivered_at_ms: number };
  opt_outs: { user_id: string; kind: Kind; way: Way };
  preferences: { user_id: string; quiet_from: string | null; quiet_to: string | null; time_zone: string | null };
  unsubscribe_tokens: { user_id: string; token: string };
  emails: EmailRow;
  email_turns: { email_id: string; user_id: string; kind: Kind; taken_at_ms: number };
}

/** What is told to a user, on the web and by e-mail alike. */
interface DeliveryRow {
  user_id: string;
  kind: Kind;
  title: string;
  content: string;
  language: string;
  created_at_ms: number;
}

export interface NotificationRow extends DeliveryRow {
  id: number;
  /** 0 or 1 */
  is_read: number;
  /** 0 or 1 */
  is_quiet: number;
  order_id: string;
  book_id: number;
  article_id: number;
  comment_id: number;
}

export interface EmailRow extends DeliveryRow {
  id: string;
  /** Before it nobody tries. */
  due_at_ms: number;
  attempts: number;
  /** Until then it is the sender's who claimed it. */
  claimed_until_ms: number;
}
