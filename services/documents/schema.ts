import type { DocumentKind } from "../../gen/bookstore/documents/v1/document.ts";
import type { EventConsumerSchema } from "../../runtime/events/event-consumer.ts";
import type { UserLockSchema } from "../../runtime/user-locks.ts";

export interface DocumentRow {
  id: string;
  user_id: string;
  kind: DocumentKind;
  name: string;
  content_type: string;
  size: number;
  sha256: string;
  created_at_ms: number;
  book_id: number | null;
  order_id: string | null;
}

export interface UploadRow extends Omit<DocumentRow, "created_at_ms" | "order_id"> {
  book_id: number;
  writer: string | null;
  complete: number;
  expires_at_ms: number;
}

export interface BlobRow {
  id: string;
  kept_bytes: number;
  state: string;
  doomed_at_ms: number | null;
}

export interface DocumentsSchema extends EventConsumerSchema, UserLockSchema {
  documents: DocumentRow;
  uploads: UploadRow;
  blobs: BlobRow;
  keepers: { user_id: string };
}
