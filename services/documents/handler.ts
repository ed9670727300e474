import type { Document as DocumentMessage } from "../../gen/bookstore/documents/v1/document.ts";
import { DocumentKind } from "../../gen/bookstore/documents/v1/document.ts";
import type { DocumentsServiceImplementation } from "../../gen/bookstore/documents/v1/documents_service.ts";
import { Failure } from "../../runtime/errors.ts";
import { decodePageToken, encodePageToken, pageOf } from "../../runtime/page-token.ts";
import { reached } from "../../runtime/steps.ts";
import type { BlobStore } from "./blob-store.ts";
import { type Document, type DocumentStore, found, foundReceipt, foundSample, readRange } from "./document.ts";
import type { Janitor } from "./janitor.ts";
import type { Places } from "./places.ts";
import { endedAtStandstill } from "./standstill.ts";

const DEFAULT_PAGE_SIZE = 20;

export interface DocumentsDeps {
  store: DocumentStore;
  blobs: Pick<BlobStore, "read">;
  janitor: Pick<Janitor, "removeDoomed">;
  userQuotaBytes: number;
  /** How many may be sent at once. */
  places: Places;
  /** Is told of bytes that were sent. */
  count(bytes: number): void;
  /** How long a reader may take nothing. */
  idleMs: number;
}

/** Implements bookstore.documents.v1.DocumentsService. */
export function documentsHandler(deps: DocumentsDeps): DocumentsServiceImplementation {
  const { store, janitor } = deps;
  return {
    async listDocuments({ userId, pageSize, pageToken, kind }) {
      const bound = { userId, kind };
      const [createdAtMs, id] = decodePageToken(pageToken, bound, ["number", "string"]) ?? [];
      const which = {
        after: createdAtMs === undefined || id === undefined ? undefined : { createdAtMs, id },
        kind: kind === DocumentKind.DOCUMENT_KIND_UNSPECIFIED ? undefined : kind,
      };
      const { page, last } = await pageOf(pageSize || DEFAULT_PAGE_SIZE, (limit) => store.list(userId, { ...which, limit }));
      return {
        documents: page.map(documentMessageOf),
        nextPageToken: last === undefined ? "" : encodePageToken([last.createdAt.getTime(), last.id], bound),
        usedBytes: BigInt(await store.usedBytes(userId)),
        quotaBytes: BigInt(deps.userQuotaBytes),
      };
    },

    async getDocument({ userId, documentId }) {
      return { document: documentMessageOf(found(await store.find(userId, documentId))) };
    },

    async *downloadDocument({ userId, documentId, ...range }, { signal }) {
      const document = found(await store.find(userId, documentId));
      yield* endedAtStandstill(send(deps, document, range, signal, userId), deps.idleMs);
    },

    async deleteDocument({ userId, documentId }) {
      const document = found(await store.find(userId, documentId));
      if (document.kind === DocumentKind.DOCUMENT_KIND_RECEIPT) {
        throw new Failure("failed-precondition", "receipts are kept", { reason: "RECEIPT_KEPT" });
      }
      await store.delete(document.id);
      reached("documents.document-deleted");
      await janitor.removeDoomed(document.id);
      return {};
    },

    async findReceipt({ userId, orderId }) {
      return { document: documentMessageOf(foundReceipt(await store.findReceipt(userId, orderId))) };
    },

    async getSample({ bookId }) {
      return { document: documentMessageOf(foundSample(await store.findSample(bookId))) };
    },

    async *downloadSample({ bookId, documentId, ...range }, { signal }) {
      const sample = foundSample(await store.findSample(bookId), documentId);
      yield* endedAtStandstill(send(deps, sample, range, signal), deps.idleMs);
    },

    async deleteSample({ bookId }) {
      const { id } = foundSample(await store.findSample(bookId));
      await store.delete(id);
      await janitor.removeDoomed(id);
      return {};
    },
  };
}

/** The Document first, then the bytes of the range. @param userId "" for everybody. */
async function* send(
  { blobs, places, count }: DocumentsDeps,
  document: Document,
  range: { offset: bigint; length: bigint },
  signal: AbortSignal,
  userId = "",
): AsyncGenerator<{ document?: DocumentMessage; data?: Buffer }> {
  using _ = places.take(userId);
  const bytes = readRange(blobs, document, { offset: Number(range.offset), length: Number(range.length) }, signal);
  // What is wrong with the range is said before anything is sent.
  let next = await bytes.next();
  try {
    yield { document: documentMessageOf(document) };
    for (; !next.done; next = await bytes.next()) {
      count(next.value.length);
      yield { data: next.value };
    }
  } finally {
    await bytes.return(undefined);
  }
}

export function documentMessageOf(document: Document): DocumentMessage {
  const { createdAt, size, ...rest } = document;
  return { ...rest, size: BigInt(size), createTime: createdAt };
}
