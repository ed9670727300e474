import { Registry } from "prom-client";
import { DocumentsServiceDefinition } from "../../../gen/bookstore/documents/v1/documents_service.ts";
import { UploadServiceDefinition } from "../../../gen/bookstore/documents/v1/upload_service.ts";
import { EventConsumerServiceDefinition } from "../../../gen/bookstore/events/v1/event_consumer_service.ts";
import { EventConsumer } from "../../../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../../../runtime/events/event-consumer-handler.ts";
import { pollEvery } from "../../../runtime/poll.ts";
import { configSchema } from "../../../services/documents/config.ts";
import { openFileBlobs } from "../../../services/documents/file-blobs.ts";
import { receipts } from "../../../services/documents/receipts.ts";
import { documentsService } from "../../../services/documents/service.ts";
import { openDocumentsStore } from "../../../services/documents/store.ts";
import { type AddServices, logsOf } from "./making.ts";
import { provideDocuments } from "./provide-documents.ts";

const HOUR_MS = 3_600_000;
const PROVIDE_EVERY_MS = 250;
const shape = configSchema.shape;
/** As many at once as in earnest: what they take counts. */
const settings = {
  maxDocumentBytes: shape.MAX_DOCUMENT_BYTES.parse(undefined),
  userQuotaBytes: shape.USER_QUOTA_BYTES.parse(undefined),
  allowedContentTypes: shape.ALLOWED_CONTENT_TYPES.parse(undefined),
  maxUploadsAtOnce: shape.MAX_UPLOADS_AT_ONCE.parse(undefined),
  maxDownloadsAtOnce: shape.MAX_DOWNLOADS_AT_ONCE.parse(undefined),
};

export const addDocuments: AddServices = async (server, making) => {
  const { databaseUrl, folder, logger, stack } = making;
  const now = () => new Date();
  const store = await openDocumentsStore(databaseUrl, logger, now);
  stack.defer(store.close);
  const blobs = await openFileBlobs(folder);
  const limits = { ...settings, uploadExpiryMs: HOUR_MS };
  const deps = { store, blobs, logger, metrics: new Registry(), now };
  const { documents, uploads, janitor } = documentsService({ ...settings, ...deps, limits });
  const consumer = new EventConsumer({
    ...{ name: "documents", db: store.db, logger, metrics: new Registry(), sources: logsOf(making, "orders") },
    subscriptions: [receipts({ store: store.receipts, blobs, now })],
  });
  stack.defer(() => consumer.close());
  server.add(DocumentsServiceDefinition, documents);
  server.add(UploadServiceDefinition, uploads);
  server.add(EventConsumerServiceDefinition, eventConsumerHandler(consumer));
  consumer.start();
  stack.defer(janitor.start(PROVIDE_EVERY_MS));
  await provideDocuments(store, blobs);
  // Callers delete them, and are to find others. Where one is only half gone, it is for the next time.
  stack.defer(
    pollEvery(
      PROVIDE_EVERY_MS,
      () => provideDocuments(store, blobs),
      () => {},
    ),
  );
};
