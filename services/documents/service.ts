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
  /** How long an upload may send nothing, or a download take nothing. The default is a minute. */
  idleMs?: number;
}

/** So many of all that may be under way are for one user. */
const SHARE_OF_ONE = 0.25;
/** And so many for all who need not say who they are: samples are for everybody. */
const SHARE_OF_GUESTS = 0.5;
const IDLE_MS = 60_000;

/** The parts of documents, put together. */
export function documentsService(options: DocumentsOptions): {
  documents: DocumentsServiceImplementation;
  uploads: UploadServiceImplementation;
  janitor: Janitor;
} {
  const { store, blobs, limits, logger, now } = options;
  const janitor = new Janitor({ store: store.doomed, blobs, logger, now });
  const uploading = places(options.maxUploadsAtOnce);
  const downloading = places(options.maxDownloadsAtOnce);
  const idleMs = options.idleMs ?? IDLE_MS;
  const metrics = transferMetrics(options.metrics, { uploads: uploading, downloads: downloading });
  return {
    documents: documentsHandler({
      ...{ store: store.documents, blobs, janitor, places: downloading, userQuotaBytes: limits.userQuotaBytes },
      ...{ count: metrics.sent, idleMs },
    }),
    uploads: uploadHandler({
      ...{ store: store.uploads, blobs, limits, places: uploading, writers: new Writers(), janitor, now },
      ...{ count: metrics.received, idleMs },
    }),
    janitor,
  };
}

function places(all: number): Places {
  const each = (who: string) => Math.max(1, Math.floor(all * (who === "" ? SHARE_OF_GUESTS : SHARE_OF_ONE)));
  return new Places({ all, each });
}
