import { createHash, randomBytes } from "node:crypto";
import type { Kysely, Transaction } from "kysely";
import { lockUser, userDeleted } from "../../runtime/user-locks.ts";
import { type CartItem, type CartOwner, type CartStore, merged } from "./cart.ts";
import type { Schema } from "./schema.ts";

/** Keeps carts. @param options.guestCartMs how long a guest's cart lives after the last change. */
export function cartStore(
  db: Kysely<Schema>,
  options: { guestCartMs: number },
): CartStore & { removeExpired(now: Date): Promise<void> } {
  const expiry = (owner: CartOwner, now: Date) => ("userId" in owner ? null : now.getTime() + options.guestCartMs);

  return {
    async items(owner, now) {
      if (!("userId" in owner)) {
        const cart = await db
          .selectFrom("carts")
          .select("owner")
          .where("owner", "=", keyOf(owner))
          .where("expires_at_ms", ">", now.getTime())
          .executeTakeFirst();
        if (cart === undefined) return undefined;
      }
      return itemsOf(db, keyOf(owner));
    },

    change(owner, now, change) {
      return db.transaction().execute(async (transaction) => {
        const key = keyOf(owner);
        if ("userId" in owner) {
          if (!(await lockCartOf(transaction, owner.userId))) throw userDeleted();
        } else {
          const { numUpdatedRows } = await transaction
            .updateTable("carts")
            .set({ expires_at_ms: expiry(owner, now) })
            .where("owner", "=", key)
            .where("expires_at_ms", ">", now.getTime())
            .executeTakeFirst();
          if (numUpdatedRows === 0n) return undefined;
        }
        const items = change(await itemsOf(transaction, key));
        await replaceItems(transaction, key, items);
        return items;
      });
    },

    async createForGuest(items, now) {
      const guestCartId = randomBytes(24).toString("base64url");
      const owner = { guestCartId };
      await db.transaction().execute(async (transaction) => {
        await transaction
          .insertInto("carts")
          .values({ owner: keyOf(owner), expires_at_ms: expiry(owner, now) })
          .execute();
        await replaceItems(transaction, keyOf(owner), items);
      });
      return guestCartId;
    },

    async merge(guestCartId, userId, now) {
      const guest = keyOf({ guestCartId });
      await db.transaction().execute(async (transaction) => {
        // Whoever removes the cart merges it: a second call finds none.
        const { numDeletedRows } = await transaction
          .deleteFrom("carts")
          .where("owner", "=", guest)
          .where("expires_at_ms", ">", now.getTime())
          .executeTakeFirst();
        if (numDeletedRows === 0n) return;
        const guests = await itemsOf(transaction, guest);
        await transaction.deleteFrom("cart_lines").where("owner", "=", guest).execute();
        if (!(await changeCartOf(transaction, userId, (items) => merged(items, guests)))) throw userDeleted();
      });
    },

    async removeExpired(now) {
      while ((await removeSome(db, now)) === EXPIRED_AT_ONCE);
    },
  };
}

/** A query takes only so many owners, and nobody waits long for the locks. */
const EXPIRED_AT_ONCE = 1_000;

/** Removes some carts that have expired. @returns how many. */
function removeSome(db: Kysely<Schema>, now: Date): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    const gone = await transaction
      .deleteFrom("carts")
      .where("owner", "in", (query) =>
        query.selectFrom("carts").select("owner").where("expires_at_ms", "<=", now.getTime()).limit(EXPIRED_AT_ONCE),
      )
      // Once more: a guest may have come back while this query waited for the lock.
      .where("expires_at_ms", "<=", now.getTime())
      .returning("owner")
      .execute();
    const owners = gone.map(({ owner }) => owner);
    if (owners.length > 0) await transaction.deleteFrom("cart_lines").where("owner", "in", owners).execute();
    return gone.length;
  });
}

/** Changes the cart of a user as part of a transaction. Nobody else changes it until that ends. @returns false if the user is deleted. */
export async function changeCartOf(
  transaction: Transaction<Schema>,
  userId: string,
  change: (items: readonly CartItem[]) => CartItem[],
): Promise<boolean> {
  if (!(await lockCartOf(transaction, userId))) return false;
  const key = keyOf({ userId });
  await replaceItems(transaction, key, change(await itemsOf(transaction, key)));
  return true;
}

/** What is in the cart of a user. Nobody else changes it until the transaction ends. */
export async function cartOf(transaction: Transaction<Schema>, userId: string): Promise<readonly CartItem[]> {
  return (await lockCartOf(transaction, userId)) ? itemsOf(transaction, keyOf({ userId })) : [];
}

/** Removes the cart of a deleted user. */
export async function removeCartOf(transaction: Transaction<Schema>, userId: string): Promise<void> {
  for (const table of ["cart_lines", "carts"] as const) {
    await transaction.deleteFrom(table).where("owner", "=", keyOf({ userId })).execute();
  }
}

/** @returns false if the user is deleted. */
async function lockCartOf(transaction: Transaction<Schema>, userId: string): Promise<boolean> {
  if (!(await lockUser(transaction, userId))) return false;
  await transaction
    .insertInto("carts")
    .values({ owner: keyOf({ userId }), expires_at_ms: null })
    .onConflict((conflict) => conflict.column("owner").doUpdateSet({ expires_at_ms: null }))
    .execute();
  return true;
}

async function itemsOf(db: Kysely<Schema>, owner: string): Promise<CartItem[]> {
  const rows = await db
    .selectFrom("cart_lines")
    .select(["book_id", "quantity"])
    .where("owner", "=", owner)
    .orderBy("position")
    .execute();
  return rows.map(({ book_id: bookId, quantity }) => ({ bookId, quantity }));
}

async function replaceItems(transaction: Transaction<Schema>, owner: string, items: readonly CartItem[]): Promise<void> {
  await transaction.deleteFrom("cart_lines").where("owner", "=", owner).execute();
  const rows = items.map(({ bookId, quantity }, position) => ({ owner, position, book_id: bookId, quantity }));
  if (rows.length > 0) await transaction.insertInto("cart_lines").values(rows).execute();
}

/** Of a guest's cart the store has only a hash: who reads the store has not got the carts. */
function keyOf(owner: CartOwner): string {
  if ("userId" in owner) return `user/${owner.userId}`;
  return `guest/${createHash("sha256").update(owner.guestCartId).digest("base64url")}`;
}
