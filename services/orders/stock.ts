import type { Kysely, Transaction } from "kysely";
import { Failure } from "../../runtime/errors.ts";
import type { CartItem } from "./cart.ts";
import type { Schema } from "./schema.ts";

/** How many copies of a book there are, and how many of those are kept for orders. */
export interface Stock {
  bookId: number;
  onHand: number;
  reserved: number;
}

export interface StockStore {
  get(bookId: number): Promise<Stock>;
  /** @throws Failure "failed-precondition" if more are kept for orders. */
  set(bookId: number, onHand: number): Promise<Stock>;
  /** How many copies of each book can be bought now. */
  available(bookIds: readonly number[]): Promise<ReadonlyMap<number, number>>;
}

/** Keeps the stock. @param options.defaultStock the copies of a book that was never counted. */
export function stockStore(db: Kysely<Schema>, options: { defaultStock: number }): StockStore {
  return {
    async get(bookId) {
      const row = await db.selectFrom("stock").selectAll().where("book_id", "=", bookId).executeTakeFirst();
      return { bookId, onHand: row?.on_hand ?? options.defaultStock, reserved: row?.reserved ?? 0 };
    },

    async set(bookId, onHand) {
      const row = await db
        .insertInto("stock")
        .values({ book_id: bookId, on_hand: onHand, reserved: 0 })
        .onConflict((conflict) =>
          conflict.column("book_id").doUpdateSet({ on_hand: onHand }).where("stock.reserved", "<=", onHand),
        )
        .returningAll()
        .executeTakeFirst();
      if (row !== undefined) return { bookId, onHand: row.on_hand, reserved: row.reserved };
      throw new Failure("failed-precondition", "more copies are kept for orders", { reason: "STOCK_RESERVED" });
    },

    async available(bookIds) {
      if (bookIds.length === 0) return new Map();
      const rows = await db.selectFrom("stock").selectAll().where("book_id", "in", bookIds).execute();
      const known = new Map(rows.map((row) => [row.book_id, row.on_hand - row.reserved]));
      return new Map(bookIds.map((bookId) => [bookId, known.get(bookId) ?? options.defaultStock]));
    },
  };
}

/**
 * Keeps copies for an order, as part of its transaction.
 *
 * @returns the books of which there are not enough. Roll back then.
 */
export async function reserve(
  transaction: Transaction<Schema>,
  items: readonly CartItem[],
  options: { defaultStock: number },
): Promise<number[]> {
  const missing: number[] = [];
  for (const { bookId, quantity } of inLockOrder(items)) {
    await transaction
      .insertInto("stock")
      .values({ book_id: bookId, on_hand: options.defaultStock, reserved: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const { numUpdatedRows } = await transaction
      .updateTable("stock")
      .set(({ eb }) => ({ reserved: eb("reserved", "+", quantity) }))
      .where("book_id", "=", bookId)
      .where(({ eb }) => eb(eb("on_hand", "-", eb.ref("reserved")), ">=", quantity))
      .executeTakeFirst();
    if (numUpdatedRows === 0n) missing.push(bookId);
  }
  return missing;
}

/** Gives copies that were kept to the buyer. */
export function take(transaction: Transaction<Schema>, items: readonly CartItem[]): Promise<void> {
  return move(transaction, items, { onHand: -1, reserved: -1 });
}

/** Copies that were kept can be bought by others again. */
export function release(transaction: Transaction<Schema>, items: readonly CartItem[]): Promise<void> {
  return move(transaction, items, { onHand: 0, reserved: -1 });
}

/** Copies that were sold are back. */
export function putBack(transaction: Transaction<Schema>, items: readonly CartItem[]): Promise<void> {
  return move(transaction, items, { onHand: 1, reserved: 0 });
}

async function move(
  transaction: Transaction<Schema>,
  items: readonly CartItem[],
  sign: { onHand: number; reserved: number },
): Promise<void> {
  for (const { bookId, quantity } of inLockOrder(items)) {
    await transaction
      .updateTable("stock")
      .set(({ eb }) => ({
        on_hand: eb("on_hand", "+", sign.onHand * quantity),
        reserved: eb("reserved", "+", sign.reserved * quantity),
      }))
      .where("book_id", "=", bookId)
      .execute();
  }
}

/** Two orders that want the same books lock them in the same order, so neither waits for the other for ever. */
function inLockOrder(items: readonly CartItem[]): CartItem[] {
  return items.toSorted((one, other) => one.bookId - other.bookId);
}
