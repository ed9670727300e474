import type { Kysely } from "kysely";
import { type Database, openDatabase } from "../../runtime/database.ts";
import { eventConsumerTables, eventCursorIds } from "../../runtime/events/event-consumer.ts";
import type { Logger } from "../../runtime/logger.ts";
import { userLockTables } from "../../runtime/user-locks.ts";
import type { DocumentStore } from "./document.ts";
import { documentStore, doom } from "./document-store.ts";
import type { DoomedStore } from "./janitor.ts";
import { documents } from "./migrations/0001-documents.ts";
import { receiptStore } from "./receipt-store.ts";
import type { ReceiptStore } from "./receipts.ts";
import type { DocumentsSchema } from "./schema.ts";
import type { UploadStore } from "./upload.ts";
import { draftOf, uploadStore } from "./upload-store.ts";

export interface DocumentsStore extends Pick<Database<DocumentsSchema>, "db" | "check" | "close"> {
  readonly documents: DocumentStore;
  readonly uploads: UploadStore;
  readonly receipts: ReceiptStore;
  readonly doomed: DoomedStore;
}

/** Opens what is known of Documents at `url` and brings its schema up to date. */
export async function openDocumentsStore(url: string, logger: Logger, now: () => Date): Promise<DocumentsStore> {
  const migrations = {
    ...{ "0001-documents": documents, "0002-event-consumer": eventConsumerTables },
    ...{ "0003-event-cursor-ids": eventCursorIds, "0004-user-locks": userLockTables },
  };
  const { db, check, close } = await openDatabase<DocumentsSchema>({ url, logger, migrations });
  return {
    ...{ db, check, close },
    documents: documentStore(db, now),
    uploads: uploadStore(db, now),
    receipts: receiptStore(db),
    doomed: doomedStore(db),
  };
}

/** A query takes only so many ids, and nobody waits long for the locks. */
const EXPIRED_AT_ONCE = 1_000;

/** @returns how many. */
function expireSome(db: Kysely<DocumentsSchema>, now: Date): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    const expired = await transaction
      .deleteFrom("uploads")
      .where("id", "in", (query) =>
        query.selectFrom("uploads").select("id").where("expires_at_ms", "<=", now.getTime()).limit(EXPIRED_AT_ONCE),
      )
      // Once more: somebody may have gone on with one while this query waited for its lock.
      .where("expires_at_ms", "<=", now.getTime())
      .returning(["id", "complete"])
      .execute();
    const unfinished = expired.filter(({ complete }) => complete === 0).map(({ id }) => id);
    await doom(transaction, unfinished, now);
    return expired.length;
  });
}

function doomedStore(db: Kysely<DocumentsSchema>): DoomedStore {
  return {
    async expireUploads(now) {
      while ((await expireSome(db, now)) === EXPIRED_AT_ONCE);
    },

    async doomed(now, limit) {
      const rows = await db
        .selectFrom("blobs")
        .selectAll()
        .where("doomed_at_ms", "<=", now.getTime())
        .orderBy("doomed_at_ms")
        .limit(limit)
        .execute();
      return rows.map((row) => ({ id: row.id, draft: draftOf(row) }));
    },

    async findDoomed(id, now) {
      const row = await db
        .selectFrom("blobs")
        .selectAll()
        .where("id", "=", id)
        .where("doomed_at_ms", "<=", now.getTime())
        .executeTakeFirst();
      return row && { id, draft: draftOf(row) };
    },

    async forget(id) {
      await db.deleteFrom("blobs").where("id", "=", id).execute();
    },
  };
}
