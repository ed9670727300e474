import type { Kysely } from "kysely";
import { lockUser } from "../../runtime/user-locks.ts";
import { rowOf } from "./document-store.ts";
import type { ReceiptStore } from "./receipts.ts";
import type { DocumentsSchema } from "./schema.ts";

export function receiptStore(db: Kysely<DocumentsSchema>): ReceiptStore {
  return {
    async has(orderId) {
      const row = await db.selectFrom("documents").select("id").where("order_id", "=", orderId).executeTakeFirst();
      return row !== undefined;
    },

    async expectBlob(id, doomedAt) {
      await db.insertInto("blobs").values({ id, kept_bytes: 0, state: "", doomed_at_ms: doomedAt.getTime() }).execute();
    },

    async noteDraft(id, { length, state }) {
      await db.updateTable("blobs").set({ kept_bytes: length, state }).where("id", "=", id).execute();
    },

    async add(transaction, receipt) {
      if (!(await lockUser(transaction, receipt.userId))) return;
      const inserted = await transaction
        .insertInto("documents")
        .values(rowOf(receipt))
        .onConflict((conflict) => conflict.column("order_id").doNothing())
        .executeTakeFirst();
      if (Number(inserted.numInsertedOrUpdatedRows) === 0) return;
      await transaction.updateTable("blobs").set({ doomed_at_ms: null }).where("id", "=", receipt.id).execute();
    },
  };
}
