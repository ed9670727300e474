import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import { on, type Subscription } from "../../runtime/events/subscription.ts";
import { lockDeletedUser } from "../../runtime/user-locks.ts";
import type { PushDeps } from "./notification.ts";
import type { Schema } from "./schema.ts";

const TABLES = [
  "notifications",
  "inboxes",
  "deliveries",
  "emails",
  "email_turns",
  "opt_outs",
  "preferences",
  "unsubscribe_tokens",
] as const satisfies readonly (keyof Schema)[];

/** What a deleted user was told, is still to be told, and wanted to be told goes, and who waits for more is sent away. */
export function deletedUsers({ wake }: Pick<PushDeps, "wake">): Subscription<Schema> {
  return on<UserDeleted, Schema>(UserDeleted, async ({ userId }) => async (transaction) => {
    await lockDeletedUser(transaction, userId);
    for (const table of TABLES) await transaction.deleteFrom(table).where("user_id", "=", userId).execute();
    // Where this comes before the commit, the look for what other replicas have stored finds it.
    wake(userId);
  });
}
