import type { Channel } from "nice-grpc";
import { type DocumentsServiceClient, DocumentsServiceDefinition } from "../gen/bookstore/documents/v1/documents_service.ts";
import { type UploadServiceClient, UploadServiceDefinition } from "../gen/bookstore/documents/v1/upload_service.ts";
import { type ClientCallOptions, clientFactory } from "../interceptors/client/chain.ts";
import type { Logger } from "../runtime/logger.ts";

export type DocumentsClient = DocumentsServiceClient<ClientCallOptions>;
export type UploadClient = UploadServiceClient<ClientCallOptions>;

/**
 * A client of bookstore.documents.v1.DocumentsService. Deadlines and retries are the contract's.
 *
 * @param channel stays the caller's, to share and to close.
 */
export function documentsClient(channel: Channel, logger: Logger): DocumentsClient {
  return clientFactory({ logger }).create(DocumentsServiceDefinition, channel);
}

/** A client of bookstore.documents.v1.UploadService, likewise. */
export function uploadClient(channel: Channel, logger: Logger): UploadClient {
  return clientFactory({ logger }).create(UploadServiceDefinition, channel);
}
