import { randomUUID } from "node:crypto";
import { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import type { Order, PlaceOrderRequest } from "../../gen/bookstore/orders/v1/orders_service.ts";
import type { EventType } from "../../runtime/events/event.ts";
import type { OrdersOptions, OrdersUnderTest } from "../../test/support/orders.ts";

/** A book for tests. */
export function aBook(id: number, minorUnits = 1000n, currencyCode = "USD"): Book {
  return Book.fromPartial({ id, title: `Book ${id}`, price: { currencyCode, minorUnits } });
}

/** A marketplace that has what `find` finds. */
export function catalogueOf(find: (bookId: number) => Book | undefined): NonNullable<OrdersOptions["marketplace"]> {
  return {
    async batchGetBooks({ bookIds = [] }) {
      return { books: bookIds.flatMap((bookId) => find(bookId) ?? []) };
    },
  };
}

type Shop = Pick<OrdersUnderTest, "client">;

/** Puts books into the cart of a user: [number, copies]. */
export async function fillCart(
  { client }: Shop,
  userId: string,
  items: readonly [bookId: number, quantity: number][],
): Promise<void> {
  for (const [bookId, quantity] of items) await client.addItem({ userId, bookId, quantity });
}

/** What a user who wants to buy the cart as it is would send. */
export async function purchaseOf({ client }: Shop, userId: string, paymentToken = "tok_ok"): Promise<PlaceOrderRequest> {
  const { cart } = await client.getCart({ userId });
  const { total: expectedTotal, revision: expectedCartRevision = "" } = cart ?? {};
  return { userId, idempotencyKey: randomUUID(), expectedTotal, expectedCartRevision, paymentToken };
}

/** Buys the cart of a user as it is. */
export async function buy(shop: Shop, userId: string, paymentToken?: string): Promise<Order> {
  const { order } = await shop.client.placeOrder(await purchaseOf(shop, userId, paymentToken));
  return order as Order;
}

/** Fills the cart and buys it. */
export async function order(shop: Shop, userId: string, items: readonly [number, number][], token?: string): Promise<Order> {
  await fillCart(shop, userId, items);
  return buy(shop, userId, token);
}

/** What others have been told: the names of the events. */
export async function told({ store }: Pick<OrdersUnderTest, "store">): Promise<string[]> {
  const rows = await store.db.selectFrom("event_log").select("type").orderBy("position").execute();
  return rows.map(({ type }) => type.slice("bookstore.events.v1.".length));
}

/** The data of all events of a type. */
export async function eventsOf<T>({ store }: Pick<OrdersUnderTest, "store">, type: EventType<T>): Promise<T[]> {
  const rows = await store.db.selectFrom("event_log").select("data").where("type", "=", type.$type).orderBy("position").execute();
  return rows.map(({ data }) => type.decode(Buffer.from(data, "base64")));
}

/** What a failure of a call looks like to the caller. */
export function refusal(code: number, reason: string, metadata: Record<string, string> = {}) {
  return { code, reason, metadata };
}

/** A clock that a test sets forward. */
export function testClock(start = Date.UTC(2030, 0, 1)): { now(): Date; forward(ms: number): void } {
  let time = start;
  const forward = (ms: number) => {
    time += ms;
  };
  return { now: () => new Date(time), forward };
}
