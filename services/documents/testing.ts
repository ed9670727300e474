import { createHash } from "node:crypto";
import type { Document } from "../../gen/bookstore/documents/v1/document.ts";
import type { UploadChunksRequest } from "../../gen/bookstore/documents/v1/upload_service.ts";
import { OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import type { Event } from "../../gen/mesh/events/v1/event.ts";

/** The event that an order was placed: by "a", if nothing else is said. */
export function orderPlaced(order: Partial<OrderPlaced>, id = "1"): Event {
  const data = OrderPlaced.fromPartial({ orderId: "order-1", userId: "a", ...order });
  return {
    ...{ id, source: "orders", specVersion: "1.0", type: OrderPlaced.$type, subject: `orders/${data.orderId}` },
    ...{ time: new Date("2026-11-01T09:30:00Z"), position: BigInt(id), traceParent: "" },
    data: Buffer.from(OrderPlaced.encode(data).finish()),
  };
}

/** Text of some length, never the same twice in it: bytes in the wrong place do not go unnoticed. */
export function someBytes(length: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(length / 16) * 16);
  for (let i = 0; i < bytes.length; i += 16) bytes.write(`${i} `.padStart(16, "."), i);
  return bytes.subarray(0, length);
}

/** What CreateUpload takes. */
export function announce(bytes: Uint8Array, more: { userId?: string; name?: string; contentType?: string } = {}) {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { userId: "a", name: "notes.txt", contentType: "text/plain", size: BigInt(bytes.length), sha256, ...more };
}

/** The messages that bring a part of a Document. */
export async function* chunksOf(
  upload: { userId: string; id: string },
  bytes: Uint8Array,
  { from = 0, to = bytes.length, size = 65_536 } = {},
): AsyncGenerator<UploadChunksRequest> {
  const { userId, id: uploadId } = upload;
  if (from === to) yield { userId, uploadId, offset: BigInt(from), data: Buffer.alloc(0) };
  for (let offset = from; offset < to; offset += size) {
    const data = Buffer.from(bytes.subarray(offset, Math.min(offset + size, to)));
    yield { userId, uploadId, offset: BigInt(offset), data };
  }
}

/** Messages that come when the test says so. */
export function byHand() {
  const waiting: UploadChunksRequest[] = [];
  let wake = () => {};
  let over = false;
  return {
    send(chunk: UploadChunksRequest) {
      waiting.push(chunk);
      wake();
    },
    end() {
      over = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else if (over) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

/** Gathers a download. */
export async function gather(
  messages: AsyncIterable<{ document?: Document | undefined; data: Uint8Array }>,
): Promise<{ document: Document | undefined; bytes: Buffer }> {
  let document: Document | undefined;
  const parts: Uint8Array[] = [];
  for await (const message of messages) {
    document ??= message.document;
    parts.push(message.data);
  }
  return { document, bytes: Buffer.concat(parts) };
}
