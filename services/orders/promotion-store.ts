import type { Insertable, Kysely, Transaction } from "kysely";
import { PromotionReminded } from "../../gen/bookstore/events/v1/order_events.ts";
import type { EventLog } from "../../runtime/events/event-log.ts";
import { lockUsers } from "../../runtime/user-locks.ts";
import type { Order } from "./order.ts";
import type { Schema } from "./schema.ts";

export interface PromotionStore {
  /** Whether the user can use "buy two, get one free" still. */
  available(userId: string): Promise<boolean>;
  /** Tells push to remind those who have not used it, and were not reminded of this campaign yet. @returns how many. */
  remind(campaign: string, userIds: readonly string[]): Promise<number>;
}

/** Whoever buys waits for the lock of the log meanwhile. */
const REMINDED_AT_ONCE = 50;

export function promotionStore(db: Kysely<Schema>, events: Pick<EventLog, "append" | "wake">): PromotionStore {
  const remindSome = async (rows: Insertable<Schema["promotion_reminders"]>[]): Promise<number> => {
    const reminded = await db.transaction().execute(async (transaction) => {
      const there = await lockUsers(
        transaction,
        rows.map((row) => row.user_id),
      );
      const here = rows.filter((row) => there.has(row.user_id));
      if (here.length === 0) return 0;
      const added = await transaction
        .insertInto("promotion_reminders")
        .values(here)
        .onConflict((conflict) => conflict.doNothing())
        .returning("user_id")
        .execute();
      for (const { user_id: userId } of added) {
        await events.append(transaction, PromotionReminded, { subject: `users/${userId}`, data: { userId } });
      }
      return added.length;
    });
    events.wake();
    return reminded;
  };

  return {
    async available(userId) {
      const use = await db.selectFrom("promotion_uses").select("user_id").where("user_id", "=", userId).executeTakeFirst();
      return use === undefined;
    },

    async remind(campaign, userIds) {
      if (userIds.length === 0) return 0;
      const uses = await db.selectFrom("promotion_uses").select("user_id").where("user_id", "in", userIds).execute();
      const used = new Set(uses.map((use) => use.user_id));
      const rows = userIds.filter((userId) => !used.has(userId)).map((userId) => ({ campaign, user_id: userId }));
      let reminded = 0;
      for (let first = 0; first < rows.length; first += REMINDED_AT_ONCE) {
        reminded += await remindSome(rows.slice(first, first + REMINDED_AT_ONCE));
      }
      return reminded;
    },
  };
}

/** Uses the promotion of a user for an order, as part of its transaction. @returns false if another order has. */
export async function usePromotion(transaction: Transaction<Schema>, userId: string, orderId: string): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto("promotion_uses")
    .values({ user_id: userId, order_id: orderId })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** The user can use the promotion again, if this order has. */
export async function takeBackPromotion(transaction: Transaction<Schema>, { id, userId }: Order): Promise<void> {
  await transaction.deleteFrom("promotion_uses").where("user_id", "=", userId).where("order_id", "=", id).execute();
}
