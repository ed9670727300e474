import type { Registry } from "prom-client";
import type { DocumentsServiceImplementation } from "../../gen/bookstore/documents/v1/documents_service.ts";
import type { UploadServiceImplementation } from "../../gen/bookstore/documents/v1/upload_service.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { BlobStore } from "./blob-store.ts";
import { documentsHandler } from "./handler.ts";
import { Janitor } from "./janitor.ts";
import { Places } from "./places.ts";
import type { DocumentsStore } from "./store.ts";
import { transferMetrics } from "./transfer-metrics.ts";
import type { UploadLimits } from "./upload.ts";
import { uploadHandler } from "./upload-handler.ts";
import { Writers } from "./writers.ts";

export interface DocumentsOptions {
  store: DocumentsStore;
  blobs: BlobStore;
  limits: UploadLimits;
  maxUploadsAtOnce: number;
  maxDownloadsAtOnce: number;
  logger: Logger;
  metrics: Registry;
  now(): Date;
  /** How long an upload may send nothing. The default is a minute. */
  idleMs?: number;
}

/** So many of all that may be under way are for one user; samples are for everybody together. */
const SHARE_OF_ONE = 0.25;
const IDLE_MS = 60_000;

/** The parts of documents, put together. */
export function documentsService(options: DocumentsOptions): {
  documents: DocumentsServiceImplementation;
  uploads: UploadServiceImplementation;
  janitor: Janitor;
} {
  const { store, blobs, limits, logger, now } = options;
  const janitor = new Janitor({ store: store.doomed, blobs, logger, now });
  const uploading = new Places({
    all: options.maxUploadsAtOnce,
    each: Math.max(1, Math.floor(options.maxUploadsAtOnce * SHARE_OF_ONE)),
  });
  const downloading = new Places({ all: options.maxDownloadsAtOnce, each: options.maxDownloadsAtOnce });
  const metrics = transferMetrics(options.metrics, { uploads: uploading, downloads: downloading });
  return {
    documents: documentsHandler({
      ...{ store: store.documents, blobs, janitor, places: downloading, userQuotaBytes: limits.userQuotaBytes },
      count: metrics.sent,
    }),
    uploads: uploadHandler({
      ...{ store: store.uploads, blobs, limits, places: uploading, writers: new Writers(), janitor, now },
      ...{ count: metrics.received, idleMs: options.idleMs ?? IDLE_MS },
    }),
    janitor,
  };
}
