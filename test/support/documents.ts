import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { type DocumentsClient, documentsClient, type UploadClient, uploadClient } from "../../clients/documents.ts";
import { eventConsumerClient } from "../../clients/events.ts";
import type { Document } from "../../gen/bookstore/documents/v1/document.ts";
import { DocumentsServiceDefinition } from "../../gen/bookstore/documents/v1/documents_service.ts";
import { type UploadChunksRequest, UploadServiceDefinition } from "../../gen/bookstore/documents/v1/upload_service.ts";
import { EventConsumerServiceDefinition } from "../../gen/bookstore/events/v1/event_consumer_service.ts";
import { EventConsumer } from "../../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../../runtime/events/event-consumer-handler.ts";
import type { EventSource } from "../../runtime/events/event-source.ts";
import { createLogger } from "../../runtime/logger.ts";
import type { BlobStore } from "../../services/documents/blob-store.ts";
import { contentTypes } from "../../services/documents/content-type.ts";
import { deletedUsers } from "../../services/documents/deleted-users.ts";
import { openFileBlobs } from "../../services/documents/file-blobs.ts";
import type { Janitor } from "../../services/documents/janitor.ts";
import { receipts } from "../../services/documents/receipts.ts";
import type { DocumentsSchema } from "../../services/documents/schema.ts";
import { documentsService } from "../../services/documents/service.ts";
import { type DocumentsStore, openDocumentsStore } from "../../services/documents/store.ts";
import { announce, chunksOf } from "../../services/documents/testing.ts";
import type { UploadLimits } from "../../services/documents/upload.ts";
import { testDatabase } from "./database.ts";
import { LogLines } from "./log-lines.ts";
import { type Service, type StoreOptions, startService } from "./service.ts";

export interface DocumentsOptions extends StoreOptions, Partial<UploadLimits> {
  /** The default is a folder of its own, removed at the end. */
  folder?: string;
  /** The default is files in the folder. */
  blobs?: BlobStore;
  now?: () => Date;
  idleMs?: number;
  maxUploadsAtOnce?: number;
  maxDownloadsAtOnce?: number;
  /** Whose events are handled. The default is nobody's: give them to `events.handle`. */
  sources?: readonly EventSource[];
}

export interface DocumentsServer extends Service<DocumentsClient & UploadClient> {
  readonly store: DocumentsStore;
  readonly url: string;
  readonly folder: string;
  readonly blobs: BlobStore;
  readonly janitor: Janitor;
  readonly events: EventConsumer<DocumentsSchema>;
  /** The names of all files that there are, finished or not. */
  files(): Promise<string[]>;
}

/** Serves documents. Nobody cleans up by the clock: ask `janitor`. */
export async function startDocuments(options: DocumentsOptions = {}): Promise<DocumentsServer> {
  await using stack = new AsyncDisposableStack();
  const url = options.url ?? stack.use(await testDatabase()).url;
  const folder = options.folder ?? stack.use(await testFolder()).path;
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "info", destination: logs });
  const now = options.now ?? (() => new Date());
  const store = await openDocumentsStore(url, logger, now);
  stack.defer(store.close);
  const blobs = options.blobs ?? (await openFileBlobs(folder));
  const limits = {
    ...{ maxDocumentBytes: 2_147_483_648, userQuotaBytes: 5_368_709_120, uploadExpiryMs: 86_400_000 },
    ...{ allowedContentTypes: contentTypes, ...options },
  };
  const { documents, uploads, janitor } = documentsService({
    ...{ store, blobs, limits, logger, metrics: new Registry(), now, maxUploadsAtOnce: 32, maxDownloadsAtOnce: 32 },
    ...options,
  });
  const events = new EventConsumer({
    ...{ name: "documents", db: store.db, logger, metrics: new Registry(), sources: options.sources ?? [] },
    subscriptions: [receipts({ store: store.receipts, blobs, now }), deletedUsers({ now })],
  });
  stack.defer(() => events.close());
  const service = stack.use(
    await startService({
      ...{ logs, port: options.port ?? 0, users: options.users, credentials: options.credentials },
      client: (channel, logger) => ({
        ...documentsClient(channel, logger),
        ...uploadClient(channel, logger),
        ...eventConsumerClient(channel, logger),
      }),
      add(server) {
        server.add(DocumentsServiceDefinition, documents);
        server.add(UploadServiceDefinition, uploads);
        server.add(EventConsumerServiceDefinition, eventConsumerHandler(events));
      },
      checks: { [DocumentsServiceDefinition.fullName]: store.check, [UploadServiceDefinition.fullName]: blobs.check },
    }),
  );
  const disposal = stack.move();
  return {
    ...{ ...service, store, url, folder, blobs, janitor, events },
    files: () => filesIn(folder),
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
}

/** An empty folder. @returns to be bound with `await using`, which removes it. */
export async function testFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "bookmesh-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The names of all files in a folder, and in those in it. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** Sends messages of a user. */
export function sendChunks({ client, users }: DocumentsServer, chunks: AsyncIterable<UploadChunksRequest>, userId = "a") {
  return client.uploadChunks(chunks, { metadata: users.as(userId) });
}

/** Announces a Document. */
export async function begin(server: DocumentsServer, bytes: Uint8Array, more: Parameters<typeof announce>[1] = {}) {
  const { upload } = await server.client.createUpload(announce(bytes, more));
  if (upload === undefined) throw new Error("no upload");
  return upload;
}

/** Waits until the store has been given so many bytes, durable or not. */
export async function written(server: DocumentsServer, uploadId: string, bytes: number): Promise<void> {
  const size = () =>
    stat(join(server.folder, "drafts", uploadId)).then(
      (file) => file.size,
      () => 0,
    );
  while ((await size()) < bytes) await new Promise(setImmediate);
}

/** Uploads all of it. */
export async function uploadAll(
  server: DocumentsServer,
  bytes: Uint8Array,
  more: Parameters<typeof announce>[1] = {},
): Promise<Document> {
  const upload = await begin(server, bytes, more);
  const { document } = await sendChunks(server, chunksOf(upload, bytes), upload.userId);
  if (document === undefined) throw new Error("no document");
  return document;
}
