import type { Upload as UploadMessage } from "../../gen/bookstore/documents/v1/document.ts";
import type { UploadServiceImplementation } from "../../gen/bookstore/documents/v1/upload_service.ts";
import { Failure } from "../../runtime/errors.ts";
import { documentMessageOf } from "./handler.ts";
import { type ReceiveDeps, receive } from "./receive.ts";
import { createUpload, foundUpload, type Upload } from "./upload.ts";

/** Implements bookstore.documents.v1.UploadService. */
export function uploadHandler(deps: ReceiveDeps): UploadServiceImplementation {
  const { store, limits, now } = deps;
  return {
    async getUploadLimits() {
      return { contentTypes: [...limits.allowedContentTypes], maxDocumentBytes: BigInt(limits.maxDocumentBytes) };
    },

    async createUpload({ size, ...announced }) {
      return { upload: messageOf(await createUpload(store, limits, { ...announced, size: Number(size) }, now())) };
    },

    async createSampleUpload({ size, ...announced }) {
      return { upload: messageOf(await createUpload(store, limits, { ...announced, size: Number(size) }, now())) };
    },

    async uploadChunks(chunks) {
      const { upload, document } = await receive(deps, chunks);
      return { upload: messageOf(upload), document: document && documentMessageOf(document) };
    },

    async getUpload({ userId, uploadId }) {
      return { upload: messageOf(foundUpload(await store.find(userId, uploadId, now()))) };
    },

    async deleteUpload({ userId, uploadId }) {
      foundUpload(await store.find(userId, uploadId, now()));
      if (!(await store.discard(uploadId))) {
        throw new Failure("failed-precondition", "the document is there already", { reason: "UPLOAD_COMPLETE" });
      }
      await deps.janitor.removeDoomed(uploadId);
      return {};
    },
  };
}

function messageOf(upload: Upload): UploadMessage {
  const { id, userId, kind, name, contentType, size, complete, expiresAt, draft } = upload;
  const offset = BigInt(draft?.length ?? 0);
  return { id, userId, kind, name, contentType, size: BigInt(size), offset, complete, expireTime: expiresAt };
}
