import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import { on, type Subscription } from "../../runtime/events/event-consumer.ts";
import { lockDeletedUser } from "../../runtime/user-locks.ts";
import { doom } from "./document-store.ts";
import type { DocumentsSchema } from "./schema.ts";

/** What a deleted user has uploaded goes, finished or not, and so do the receipts; the janitor removes the bytes. */
export function deletedUsers({ now }: { now(): Date }): Subscription<DocumentsSchema> {
  return on<UserDeleted, DocumentsSchema>(UserDeleted, async ({ userId }) => async (transaction) => {
    await lockDeletedUser(transaction, userId);
    // First: then none of them becomes a Document any more. A sample that is complete is the shop's, and its bytes stay.
    const uploads = await transaction.deleteFrom("uploads").where("user_id", "=", userId).returning(["id", "complete"]).execute();
    const unfinished = uploads.filter(({ complete }) => complete === 0).map(({ id }) => id);
    await doom(transaction, unfinished, now());
    await transaction
      .updateTable("blobs")
      .set({ doomed_at_ms: now().getTime() })
      .where("id", "in", (query) => query.selectFrom("documents").select("id").where("user_id", "=", userId))
      .execute();
    await transaction.deleteFrom("documents").where("user_id", "=", userId).execute();
    await transaction.deleteFrom("keepers").where("user_id", "=", userId).execute();
  });
}
