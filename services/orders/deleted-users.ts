import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import { on, type Subscription } from "../../runtime/events/event-consumer.ts";
import { lockDeletedUser } from "../../runtime/user-locks.ts";
import { removeCartOf } from "./cart-store.ts";
import type { Schema } from "./schema.ts";

/** The cart of a deleted user goes, and what reminders the user got. Orders are the shop's books: they stay, and go on where they are under way. */
export const deletedUsers: Subscription<Schema> = on<UserDeleted, Schema>(
  UserDeleted,
  async ({ userId }) =>
    async (transaction) => {
      await lockDeletedUser(transaction, userId);
      await removeCartOf(transaction, userId);
      await transaction.deleteFrom("promotion_reminders").where("user_id", "=", userId).execute();
    },
);
