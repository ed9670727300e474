import type { Kysely, Transaction } from "kysely";
import { DocumentKind } from "../../gen/bookstore/documents/v1/document.ts";
import type { Document, DocumentStore } from "./document.ts";
import type { DocumentRow, DocumentsSchema } from "./schema.ts";
import type { Kept } from "./upload.ts";

export function documentStore(db: Kysely<DocumentsSchema>, now: () => Date): DocumentStore {
  const one = () => db.selectFrom("documents").selectAll();
  return {
    async list(userId, { after, kind, limit }) {
      let query = one().where("user_id", "=", userId).orderBy("created_at_ms", "desc").orderBy("id", "desc").limit(limit);
      if (kind !== undefined) query = query.where("kind", "=", kind);
      if (after !== undefined) {
        const { createdAtMs, id } = after;
        query = query.where(({ eb, refTuple, tuple }) => eb(refTuple("created_at_ms", "id"), "<", tuple(createdAtMs, id)));
      }
      return (await query.execute()).map(documentOf);
    },

    find: async (userId, id) => orUndefined(await one().where("user_id", "=", userId).where("id", "=", id).executeTakeFirst()),
    findReceipt: async (userId, orderId) =>
      orUndefined(await one().where("user_id", "=", userId).where("order_id", "=", orderId).executeTakeFirst()),
    findSample: async (bookId) => orUndefined(await one().where("book_id", "=", bookId).executeTakeFirst()),

    delete(id) {
      return db.transaction().execute(async (transaction) => {
        const { numDeletedRows } = await transaction.deleteFrom("documents").where("id", "=", id).executeTakeFirst();
        if (Number(numDeletedRows) === 0) return false;
        await transaction.deleteFrom("uploads").where("id", "=", id).execute();
        await doom(transaction, [id], now());
        return true;
      });
    },

    usedBytes: async (userId) => (await keptBy(db, userId)).bytes,
  };
}

/** What was uploaded by a user, unfinished uploads in full. Samples are the shop's own, and receipts too. */
export async function keptBy(db: Kysely<DocumentsSchema>, userId: string): Promise<Kept> {
  const uploaded = (table: "documents" | "uploads") =>
    db
      .selectFrom(table)
      .select(({ fn }) => [fn.sum<string | number | null>("size").as("bytes"), fn.countAll<number>().as("documents")])
      .where("user_id", "=", userId)
      .where("kind", "=", DocumentKind.DOCUMENT_KIND_PRIVATE);
  // One query, which sees one moment: what is completed between two is in both of them, or in neither.
  const rows = await uploaded("documents")
    .unionAll(uploaded("uploads").where("complete", "=", 0))
    .execute();
  // PostgreSQL gives sums of bigints as text, and no sum of nothing.
  const sumOf = (what: keyof Kept) => rows.reduce((sum, row) => sum + Number(row[what]), 0);
  return { bytes: sumOf("bytes"), documents: sumOf("documents") };
}

/** Has the bytes of blobs removed: soon after the transaction. */
export async function doom(transaction: Transaction<DocumentsSchema>, ids: readonly string[], at: Date): Promise<void> {
  if (ids.length === 0) return;
  await transaction.updateTable("blobs").set({ doomed_at_ms: at.getTime() }).where("id", "in", ids).execute();
}

export function documentOf(row: DocumentRow): Document {
  const { id, kind, name, size, sha256 } = row;
  return {
    ...{ id, userId: row.user_id, kind, name, contentType: row.content_type, size, sha256 },
    ...{ createdAt: new Date(row.created_at_ms), bookId: row.book_id ?? 0, orderId: row.order_id ?? "" },
  };
}

export function rowOf(document: Document): DocumentRow {
  const { id, userId, kind, name, contentType, size, sha256, createdAt, bookId, orderId } = document;
  return {
    ...{ id, user_id: userId, kind, name, content_type: contentType, size, sha256, created_at_ms: createdAt.getTime() },
    ...{ book_id: bookId || null, order_id: orderId || null },
  };
}

function orUndefined(row: DocumentRow | undefined): Document | undefined {
  return row && documentOf(row);
}
