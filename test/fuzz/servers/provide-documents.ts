import { createHash } from "node:crypto";
import { DocumentKind } from "../../../gen/bookstore/documents/v1/document.ts";
import type { BlobStore } from "../../../services/documents/blob-store.ts";
import type { DocumentsStore } from "../../../services/documents/store.ts";
import type { Upload } from "../../../services/documents/upload.ts";
import { DOCUMENT_ID, UPLOAD_ID, USER_ID } from "../values.ts";

const SAMPLE_ID = "sample-1";
const BOOK_ID = 1;
const EXPIRY_MS = 86_400_000;
const content = Buffer.alloc(1_000_000, "All work and no play makes Jack a dull boy. ");

/** So that requests are about an upload, a document and a sample that are there: makes those that are not. */
export async function provideDocuments(store: DocumentsStore, blobs: BlobStore): Promise<void> {
  const { uploads, documents } = store;
  if ((await uploads.find(USER_ID, UPLOAD_ID, new Date())) === undefined) {
    // It never gets complete.
    await uploads.create(uploadOf(UPLOAD_ID, 0, 1_000_000_000), () => {});
  }
  if ((await documents.find(USER_ID, DOCUMENT_ID)) === undefined) await makeDocument(store, blobs, uploadOf(DOCUMENT_ID, 0));
  if ((await documents.findSample(BOOK_ID)) === undefined) await makeDocument(store, blobs, uploadOf(SAMPLE_ID, BOOK_ID));
}

function uploadOf(id: string, bookId: number, size = content.length): Upload {
  const kind = bookId === 0 ? DocumentKind.DOCUMENT_KIND_PRIVATE : DocumentKind.DOCUMENT_KIND_SAMPLE;
  return {
    ...{ id, bookId, size, kind, userId: USER_ID, name: "jack.txt", contentType: "text/plain" },
    ...{ sha256: createHash("sha256").update(content).digest("hex"), draft: undefined, complete: false },
    expiresAt: new Date(Date.now() + EXPIRY_MS),
  };
}

async function makeDocument({ uploads }: DocumentsStore, blobs: BlobStore, upload: Upload): Promise<void> {
  await uploads.create(upload, () => {});
  const draft = await blobs.begin(upload.id);
  const blob = await blobs.resume(upload.id, draft);
  await blob.write(content);
  await blob.flush(true);
  await blob.finish();
  await blob.close();
  await uploads.takeOver(upload.userId, upload.id, "target", new Date());
  await uploads.complete(upload, "target", { now: new Date(), expiresAt: upload.expiresAt });
}
