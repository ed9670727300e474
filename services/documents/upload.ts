import { randomUUID } from "node:crypto";
import { DocumentKind } from "../../gen/bookstore/documents/v1/document.ts";
import { Failure, invalidField } from "../../runtime/errors.ts";
import type { Draft } from "./blob-store.ts";
import type { Document } from "./document.ts";
import { cleanFileName } from "./file-name.ts";

/** A Document that is not complete yet, and for a while what became of it. */
export interface Upload {
  /** The Document will have it too. */
  id: string;
  userId: string;
  kind: DocumentKind;
  name: string;
  contentType: string;
  /** The most it may have, while its end is open. */
  size: number;
  /** Empty while its end is open: it comes behind the last byte. */
  sha256: string;
  /** 0 for what is no sample. */
  bookId: number;
  complete: boolean;
  expiresAt: Date;
  /** How much of it is there. Undefined if nothing has come yet. */
  draft: Draft | undefined;
}

/** What a user keeps already, unfinished Uploads as what they will be. */
export interface Kept {
  bytes: number;
  documents: number;
}

export interface Usage extends Kept {
  /** How many Uploads are not complete. */
  unfinished: number;
}

export interface TakenUpload {
  upload: Upload;
  /** Whether no other call could write before. */
  firstWriter: boolean;
}

export interface Completed {
  document: Document;
  /** The blobs that nobody needs any more: that of the sample that was there before. */
  replaced: string[];
}

export interface UploadStore {
  /**
   * Adds an Upload if `admit` does not throw, which nobody else of the user can have come before then.
   *
   * @throws Failure "not-found" if the user is deleted.
   */
  create(upload: Upload, admit: (usage: Usage) => void): Promise<void>;
  /** Of a user, if it has not expired. */
  find(userId: string, id: string, now: Date): Promise<Upload | undefined>;
  /** The same, and makes one call the only one that may write. */
  takeOver(userId: string, id: string, writer: string, now: Date): Promise<TakenUpload | undefined>;
  /** Notes how much is durable. @returns whether the writer still may write. */
  commit(id: string, writer: string, draft: Draft, expiresAt: Date): Promise<boolean>;
  /** Makes the Document visible, in place of another sample of its book. @returns undefined if the writer may write no more. */
  complete(upload: Upload, writer: string, at: { now: Date; expiresAt: Date }): Promise<Completed | undefined>;
  /** What became of a complete Upload. */
  uploaded(id: string): Promise<Document | undefined>;
  /**
   * Forgets an unfinished Upload, and dooms its blob.
   *
   * @param writer who may do so only as long as it may write. Undefined for the user.
   * @returns whether it did.
   */
  discard(id: string, writer?: string): Promise<boolean>;
}

export interface UploadLimits {
  maxDocumentBytes: number;
  userQuotaBytes: number;
  /** How long an Upload waits for more. */
  uploadExpiryMs: number;
  allowedContentTypes: readonly string[];
}

/** How long one waits that cannot be gone on with: longer than a call may last. */
const OPEN_ENDED_EXPIRY_MS = 7_200_000;
/** So many may a user have begun and not finished. */
const MAX_UNFINISHED = 20;
/** So many may a user keep: each takes room besides its bytes, however few those are. */
const MAX_DOCUMENTS = 10_000;

/** What a user says that is to come. */
export interface Announcement {
  userId: string;
  name: string;
  contentType: string;
  size: number;
  sha256: string;
  /** Whether size and checksum turn out at its end. The default is that they are known. */
  openEnded?: boolean;
  /** Undefined for what its user alone may have. */
  bookId?: number;
}

/** Begins an Upload. No bytes are kept yet. */
export async function createUpload(
  store: Pick<UploadStore, "create">,
  limits: UploadLimits,
  { name, bookId, openEnded = false, ...announced }: Announcement,
  now: Date,
): Promise<Upload> {
  const sha256 = openEnded ? "" : announced.sha256;
  if (sha256 === "" && !openEnded) throw invalidField("sha256", "is required");
  refuseUnlessTaken(limits, announced);
  const kind = bookId === undefined ? DocumentKind.DOCUMENT_KIND_PRIVATE : DocumentKind.DOCUMENT_KIND_SAMPLE;
  const upload = {
    ...announced,
    ...{ id: randomUUID(), kind, name: cleanFileName(name), sha256, bookId: bookId ?? 0 },
    ...{ complete: false, draft: undefined, expiresAt: expiry(limits, { sha256 }, now) },
  };
  await store.create(upload, ({ bytes, documents, unfinished }) => {
    if (unfinished >= MAX_UNFINISHED) throw beyond("TOO_MANY_UPLOADS", "too many uploads are unfinished", MAX_UNFINISHED);
    // Samples are the shop's own.
    if (bookId !== undefined) return;
    if (documents >= MAX_DOCUMENTS) throw beyond("TOO_MANY_DOCUMENTS", "the user keeps too many documents", MAX_DOCUMENTS);
    if (bytes + upload.size > limits.userQuotaBytes) {
      throw beyond("QUOTA_EXCEEDED", "that is more than the user may still keep", limits.userQuotaBytes);
    }
  });
  return upload;
}

/** Whether an Upload that is not complete has to come in one call, and to say its checksum there. */
export function isOpenEnded({ sha256 }: Pick<Upload, "sha256">): boolean {
  return sha256 === "";
}

export function expiry({ uploadExpiryMs }: UploadLimits, upload: Pick<Upload, "sha256">, now: Date): Date {
  const waitMs = isOpenEnded(upload) ? Math.min(uploadExpiryMs, OPEN_ENDED_EXPIRY_MS) : uploadExpiryMs;
  return new Date(now.getTime() + waitMs);
}

export function foundUpload<T>(upload: T | undefined): T {
  if (upload !== undefined) return upload;
  throw new Failure("not-found", "no such upload, or not any more", { reason: "UPLOAD_NOT_FOUND" });
}

function refuseUnlessTaken(limits: UploadLimits, { contentType, size }: Pick<Announcement, "contentType" | "size">): void {
  if (!limits.allowedContentTypes.includes(contentType)) {
    const description = `must be one of ${limits.allowedContentTypes.join(", ")}`;
    throw new Failure("invalid", `content_type ${description}`, {
      reason: "UNSUPPORTED_TYPE",
      violations: [{ field: "content_type", description }],
    });
  }
  if (size > limits.maxDocumentBytes) {
    throw beyond("DOCUMENT_TOO_LARGE", "that is larger than any document may be", limits.maxDocumentBytes);
  }
}

function beyond(reason: string, message: string, limit: number): Failure {
  return new Failure("exhausted", message, { reason, metadata: { limit: String(limit) } });
}
