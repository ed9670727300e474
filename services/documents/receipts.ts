import { createHash, randomUUID } from "node:crypto";
import type { Transaction } from "kysely";
import { DocumentKind } from "../../gen/bookstore/documents/v1/document.ts";
import { OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { on, type Subscription } from "../../runtime/events/event-consumer.ts";
import { reached } from "../../runtime/steps.ts";
import type { BlobStore, Draft } from "./blob-store.ts";
import type { Document } from "./document.ts";
import { receiptPage } from "./receipt.ts";
import type { DocumentsSchema } from "./schema.ts";

export interface ReceiptStore {
  /** Whether an order has a receipt already. */
  has(orderId: string): Promise<boolean>;
  /** Notes a blob before it has bytes, and when they are to be removed if no receipt comes of it. */
  expectBlob(id: string, doomedAt: Date): Promise<void>;
  noteDraft(id: string, draft: Draft): Promise<void>;
  /** Adds the receipt and keeps its blob; does nothing if the order has one, or its buyer is deleted. */
  add(transaction: Transaction<DocumentsSchema>, receipt: Document): Promise<void>;
}

export interface ReceiptDeps {
  store: ReceiptStore;
  blobs: BlobStore;
  now(): Date;
}

/** Far longer than it takes from the bytes to the row. */
const UNUSED_AFTER_MS = 3_600_000;

/** Makes a receipt of each order, once: its bytes first, then what says that they are there. */
export function receipts(deps: ReceiptDeps): Subscription<DocumentsSchema> {
  const { store, blobs, now } = deps;
  return on<OrderPlaced, DocumentsSchema>(OrderPlaced, async (order) => {
    if (await store.has(order.orderId)) return undefined;
    const id = randomUUID();
    const bytes = Buffer.from(receiptPage(order));
    await store.expectBlob(id, new Date(now().getTime() + UNUSED_AFTER_MS));
    await write(id, bytes);
    reached("documents.receipt-written");
    const receipt = {
      ...{ id, userId: order.userId, kind: DocumentKind.DOCUMENT_KIND_RECEIPT, name: `receipt-${order.orderId}.html` },
      ...{
        contentType: "text/html; charset=utf-8",
        size: bytes.length,
        sha256: createHash("sha256").update(bytes).digest("hex"),
      },
      ...{ createdAt: now(), bookId: 0, orderId: order.orderId },
    };
    return (transaction) => store.add(transaction, receipt);
  });

  async function write(id: string, bytes: Uint8Array): Promise<void> {
    const draft = await blobs.begin(id);
    await store.noteDraft(id, draft);
    const writer = await blobs.resume(id, draft);
    try {
      await writer.write(bytes);
      await store.noteDraft(id, await writer.flush(true));
      await writer.finish();
    } finally {
      await writer.close();
    }
  }
}
