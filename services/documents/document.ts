import type { DocumentKind } from "../../gen/bookstore/documents/v1/document.ts";
import { Failure } from "../../runtime/errors.ts";
import { BlobGone, type BlobStore } from "./blob-store.ts";

/** A file that is complete. Its bytes are the blob of the same id. */
export interface Document {
  id: string;
  /** "" for a sample. */
  userId: string;
  kind: DocumentKind;
  name: string;
  contentType: string;
  size: number;
  /** In hexadecimal digits. */
  sha256: string;
  createdAt: Date;
  /** 0 for what is no sample. */
  bookId: number;
  /** "" for what is no receipt. */
  orderId: string;
}

export interface DocumentStore {
  /** Newest first, from behind a place in that order. */
  list(userId: string, options: ListOptions): Promise<Document[]>;
  find(userId: string, id: string): Promise<Document | undefined>;
  findReceipt(userId: string, orderId: string): Promise<Document | undefined>;
  findSample(bookId: number): Promise<Document | undefined>;
  /** Its blob is doomed with it. @returns whether it was there. */
  delete(id: string): Promise<boolean>;
  /** How many bytes a user keeps: what was uploaded, unfinished uploads in full. */
  usedBytes(userId: string): Promise<number>;
}

export interface ListOptions {
  after: { createdAtMs: number; id: string } | undefined;
  /** Undefined for all. */
  kind: DocumentKind | undefined;
  limit: number;
}

/** What of a Document is asked for. */
export interface Range {
  offset: number;
  /** 0 for all. */
  length: number;
}

export function found(document: Document | undefined): Document {
  if (document !== undefined) return document;
  throw new Failure("not-found", "no such document", { reason: "DOCUMENT_NOT_FOUND" });
}

export function foundReceipt(document: Document | undefined): Document {
  if (document !== undefined) return document;
  throw new Failure("not-found", "there is no receipt of the order yet", { reason: "RECEIPT_NOT_FOUND" });
}

/** @param id the sample that is meant; "" for whichever there is. */
export function foundSample(document: Document | undefined, id = ""): Document {
  if (document !== undefined && (id === "" || id === document.id)) return document;
  throw new Failure("not-found", "the book has no such sample", { reason: "SAMPLE_NOT_FOUND" });
}

/** The bytes of a range, up to the end where it reaches beyond. @throws Failure RANGE_NOT_SATISFIABLE if it begins beyond. */
export async function* readRange(
  blobs: Pick<BlobStore, "read">,
  document: Document,
  { offset, length }: Range,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { id, size } = document;
  if (offset >= size) {
    throw new Failure("out-of-range", `offset must be less than the size, ${size}`, {
      reason: "RANGE_NOT_SATISFIABLE",
      metadata: { size: String(size) },
    });
  }
  const left = size - offset;
  try {
    yield* blobs.read(id, { offset, length: length === 0 ? left : Math.min(length, left) }, signal);
  } catch (error) {
    if (error instanceof BlobGone) found(undefined);
    throw error;
  }
}
