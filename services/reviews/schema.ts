import type { EventConsumerSchema } from "../../runtime/events/event-consumer.ts";
import type { EventLogSchema } from "../../runtime/events/event-log.ts";
import type { UserLockSchema } from "../../runtime/user-locks.ts";

export interface ReviewRow {
  id: string;
  user_id: string;
  book_id: number;
  rating: number;
  text: string;
  author_name: string;
  created_at_ms: number;
  updated_at_ms: number;
}

export interface CommentRow {
  id: number;
  subject: string;
  thread_id: number;
  parent_id: number;
  answer_count: number;
  user_id: string;
  author_name: string;
  content: string;
  created_at_ms: number;
  edited_at_ms: number | null;
  is_deleted: number;
  idempotency_key: string;
  fingerprint: string;
}

export interface Schema extends EventLogSchema, EventConsumerSchema, UserLockSchema {
  reviews: ReviewRow;
  book_ratings: { book_id: number; rating_sum: number; rating_count: number };
  comment_subjects: { subject: string; comment_count: number };
  comment_numbers: { last_id: number };
  comments: CommentRow;
}
