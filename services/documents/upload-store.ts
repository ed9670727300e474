import type { Kysely, Transaction } from "kysely";
import { isUniqueViolation } from "../../runtime/database.ts";
import { Failure } from "../../runtime/errors.ts";
import { lockKnownUser } from "../../runtime/user-locks.ts";
import type { Draft } from "./blob-store.ts";
import { documentOf, doom, keptBy, rowOf } from "./document-store.ts";
import type { BlobRow, DocumentsSchema, UploadRow } from "./schema.ts";
import type { Completed, Upload, UploadStore } from "./upload.ts";

export function uploadStore(db: Kysely<DocumentsSchema>, now: () => Date): UploadStore {
  return {
    create(upload, admit) {
      const { id, userId } = upload;
      return db.transaction().execute(async (transaction) => {
        await lockKnownUser(transaction, userId);
        // Takes the lock on what the user keeps: two that come together do not both find room for one.
        await transaction
          .insertInto("keepers")
          .values({ user_id: userId })
          .onConflict((conflict) => conflict.column("user_id").doUpdateSet({ user_id: userId }))
          .execute();
        const { unfinished } = await transaction
          .selectFrom("uploads")
          .select(({ fn }) => fn.countAll<number>().as("unfinished"))
          .where("user_id", "=", userId)
          .where("complete", "=", 0)
          .executeTakeFirstOrThrow();
        admit({ ...(await keptBy(transaction, userId)), unfinished });
        await transaction.insertInto("blobs").values({ id, kept_bytes: 0, state: "", doomed_at_ms: null }).execute();
        await transaction.insertInto("uploads").values(uploadRowOf(upload)).execute();
      });
    },

    find: (userId, id, now) => findUpload(db, userId, id, now),

    takeOver(userId, id, writer, now) {
      return db.transaction().execute(async (transaction) => {
        const alone = await transaction
          .updateTable("uploads")
          .set({ writer })
          .where("id", "=", id)
          .where("user_id", "=", userId)
          .where("writer", "is", null)
          .executeTakeFirst();
        const firstWriter = Number(alone.numUpdatedRows) === 1;
        if (!firstWriter)
          await transaction.updateTable("uploads").set({ writer }).where("id", "=", id).where("user_id", "=", userId).execute();
        const upload = await findUpload(transaction, userId, id, now);
        return upload && { upload, firstWriter };
      });
    },

    commit(id, writer, draft, expiresAt) {
      return db.transaction().execute(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("uploads")
          .set({ expires_at_ms: expiresAt.getTime() })
          .where("id", "=", id)
          .where("writer", "=", writer)
          .executeTakeFirst();
        if (Number(numUpdatedRows) === 0) return false;
        await transaction
          .updateTable("blobs")
          .set({ kept_bytes: draft.length, state: draft.state })
          .where("id", "=", id)
          .execute();
        return true;
      });
    },

    async complete(upload, writer, at) {
      try {
        return await db.transaction().execute((transaction) => complete(transaction, upload, writer, at));
      } catch (error) {
        if (!isUniqueViolation(error, "book_id")) throw error;
        throw new Failure("aborted", "another sample of the book came at the same moment", { reason: "OTHER_WRITER" });
      }
    },

    async uploaded(id) {
      const row = await db.selectFrom("documents").selectAll().where("id", "=", id).executeTakeFirst();
      return row && documentOf(row);
    },

    discard(id, writer) {
      return db.transaction().execute(async (transaction) => {
        let unfinished = transaction.deleteFrom("uploads").where("id", "=", id).where("complete", "=", 0);
        if (writer !== undefined) unfinished = unfinished.where("writer", "=", writer);
        const { numDeletedRows } = await unfinished.executeTakeFirst();
        if (Number(numDeletedRows) === 0) return false;
        await doom(transaction, [id], now());
        return true;
      });
    },
  };
}

async function complete(
  transaction: Transaction<DocumentsSchema>,
  upload: Upload,
  writer: string,
  at: { now: Date; expiresAt: Date },
): Promise<Completed | undefined> {
  const { numUpdatedRows } = await transaction
    .updateTable("uploads")
    .set({ complete: 1, expires_at_ms: at.expiresAt.getTime(), size: upload.size, sha256: upload.sha256 })
    .where("id", "=", upload.id)
    .where("writer", "=", writer)
    .executeTakeFirst();
  if (Number(numUpdatedRows) === 0) return undefined;
  const { id, kind, name, contentType, size, sha256, bookId } = upload;
  const forEverybody = bookId !== 0;
  const replaced = forEverybody ? await removeSample(transaction, bookId, at.now) : [];
  const document = {
    ...{ id, userId: forEverybody ? "" : upload.userId, kind, name, contentType, size, sha256 },
    ...{ createdAt: at.now, bookId, orderId: "" },
  };
  await transaction.insertInto("documents").values(rowOf(document)).execute();
  return { document, replaced };
}

/** @returns the blobs that are doomed now. */
async function removeSample(transaction: Transaction<DocumentsSchema>, bookId: number, now: Date): Promise<string[]> {
  const removed = await transaction.deleteFrom("documents").where("book_id", "=", bookId).returning("id").execute();
  const ids = removed.map(({ id }) => id);
  if (ids.length > 0) await transaction.deleteFrom("uploads").where("id", "in", ids).execute();
  await doom(transaction, ids, now);
  return ids;
}

async function findUpload(db: Kysely<DocumentsSchema>, userId: string, id: string, now: Date): Promise<Upload | undefined> {
  const row = await db
    .selectFrom("uploads")
    .innerJoin("blobs", "blobs.id", "uploads.id")
    .selectAll("uploads")
    .select(["kept_bytes", "state"])
    .where("uploads.id", "=", id)
    .where("user_id", "=", userId)
    .where("expires_at_ms", ">", now.getTime())
    .executeTakeFirst();
  return row && uploadOf(row);
}

/** What is there of a blob. Undefined for one that has not begun. */
export function draftOf({ kept_bytes: length, state }: Pick<BlobRow, "kept_bytes" | "state">): Draft | undefined {
  return state === "" ? undefined : { length, state };
}

function uploadOf(row: UploadRow & Pick<BlobRow, "kept_bytes" | "state">): Upload {
  const { id, kind, name, size, sha256 } = row;
  return {
    ...{ id, userId: row.user_id, kind, name, contentType: row.content_type, size, sha256, bookId: row.book_id },
    ...{ complete: row.complete === 1, expiresAt: new Date(row.expires_at_ms), draft: draftOf(row) },
  };
}

function uploadRowOf(upload: Upload): UploadRow {
  const { id, userId, kind, name, contentType, size, sha256, bookId, expiresAt } = upload;
  return {
    ...{ id, user_id: userId, kind, name, content_type: contentType, size, sha256, book_id: bookId },
    ...{ writer: null, complete: 0, expires_at_ms: expiresAt.getTime() },
  };
}
