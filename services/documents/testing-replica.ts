// A replica of documents that does one thing when it is told to. Started with
// what to do, in JSON.
import { Registry } from "prom-client";
import type { OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { EventConsumer } from "../../runtime/events/event-consumer.ts";
import { createLogger } from "../../runtime/logger.ts";
import { contentTypes } from "./content-type.ts";
import { openFileBlobs } from "./file-blobs.ts";
import { receipts } from "./receipts.ts";
import { documentsService } from "./service.ts";
import { openDocumentsStore } from "./store.ts";
import { chunksOf, orderPlaced, someBytes } from "./testing.ts";

export interface ReplicaWork {
  url: string;
  folder: string;
  /** Sends all of someBytes() for an upload of "a". */
  upload?: { id: string; size: number };
  /** Deletes a Document of "a". */
  delete?: string;
  /** Hears of an order. */
  orderId?: OrderPlaced["orderId"];
}

const work: ReplicaWork = JSON.parse(process.argv[2] ?? "");
const logger = createLogger({ name: "replica", level: "silent" });
const now = () => new Date();
const store = await openDocumentsStore(work.url, logger, now);
const blobs = await openFileBlobs(work.folder);
const { documents, uploads } = documentsService({
  ...{ store, blobs, logger, metrics: new Registry(), now, maxUploadsAtOnce: 4, maxDownloadsAtOnce: 4 },
  limits: { maxDocumentBytes: 1e9, userQuotaBytes: 1e9, uploadExpiryMs: 86_400_000, allowedContentTypes: contentTypes },
});
const context = {} as Parameters<typeof uploads.uploadChunks>[1];

process.once("message", async () => {
  const { upload, orderId } = work;
  if (upload !== undefined) {
    const chunks = chunksOf({ userId: "a", id: upload.id }, someBytes(upload.size), { size: 262_144 });
    await uploads.uploadChunks(chunks, context);
  }
  if (work.delete !== undefined) await documents.deleteDocument({ userId: "a", documentId: work.delete }, context);
  if (orderId !== undefined) {
    const subscriptions = [receipts({ store: store.receipts, blobs, now })];
    const events = { name: "documents", db: store.db, sources: [], subscriptions, logger, metrics: new Registry() };
    await new EventConsumer(events).handle(orderPlaced({ orderId }));
  }
  process.disconnect();
});
process.send?.("ready");
