import { sql } from "kysely";
import { OrderCancelled, OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { OrderState } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { type OrdersUnderTest, startOrders } from "../../test/support/orders.ts";
import { eventsOf, order, testClock, told } from "./testing.ts";

const USERS = Array.from({ length: 6 }, (_, i) => `700000${i}`);
const BOOKS = [1, 2, 3];
const STOCK = 30;
const TOKENS = ["tok_ok", "tok_ok", "tok_declined", "tok_slow", "tok_slow_declined", "tok_unreachable"];

/** Random numbers below a bound, the same each time (mulberry32). */
function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % below;
  };
}

/** One user buys, or calls off what was bought; some of it goes wrong. */
async function live(orders: OrdersUnderTest, userId: string, random: (below: number) => number): Promise<void> {
  for (let i = 0; i < 4; i++) {
    const items = BOOKS.map((bookId): [number, number] => [bookId, 1 + random(3)]);
    await order(orders, userId, items.slice(0, 1 + random(3)), TOKENS[random(TOKENS.length)]).catch(() => {});
    const { orders: mine } = await orders.client.listOrders({ userId });
    const called = mine[random(mine.length + 1)];
    if (called !== undefined) await orders.client.cancelOrder({ userId, orderId: called.id }).catch(() => {});
  }
}

test("whatever users do at once, copies, money and promotions add up in the end", async () => {
  const clock = testClock();
  await using orders = await startOrders({ now: clock.now, defaultStock: STOCK, paymentWaitMs: 50, slowMs: 30_000 });
  const random = seededRandom(11);

  for (let round = 0; round < 2; round++) {
    await Promise.all([...USERS.map((userId) => live(orders, userId, random)), orders.settler.look()]);
    clock.forward(120_000);
    await Promise.all([orders.settler.look(), orders.settler.look()]);
  }

  const all = (await Promise.all(USERS.map((userId) => orders.client.listOrders({ userId, pageSize: 100 })))).flatMap(
    (page) => page.orders,
  );
  expect(all.filter(({ state }) => state === OrderState.ORDER_STATE_PENDING_PAYMENT)).toEqual([]);
  const placed = all.filter(({ state }) => state === OrderState.ORDER_STATE_PLACED);
  const cancelled = all.filter(({ state }) => state === OrderState.ORDER_STATE_CANCELLED);
  expect(Math.min(placed.length, cancelled.length)).toBeGreaterThan(0);

  for (const bookId of BOOKS) {
    const sold = placed.flatMap(({ lines }) => lines.filter((line) => line.bookId === bookId));
    const copies = sold.reduce((sum, { quantity }) => sum + quantity, 0);
    expect(await orders.store.stock.get(bookId)).toEqual({ bookId, onHand: STOCK - copies, reserved: 0 });
  }
  const payments = await Promise.all(
    all.map(async ({ id, state }) => [state, await orders.payments.find(id, AbortSignal.timeout(10_000))]),
  );
  expect(new Set(payments.map((payment) => payment.join(" ")))).toEqual(new Set(payments.map(([state]) => MONEY[Number(state)])));
  const uses = await sql<{ order_id: string }>`select order_id from promotion_uses`.execute(orders.store.db);
  const using = placed.filter((one) => one.buyTwoGetOneFreePromo).map(({ id }) => id);
  expect(uses.rows.map((row) => row.order_id).sort()).toEqual(using.sort());
  const ids = (events: readonly { orderId: string }[]) => events.map(({ orderId }) => orderId).sort();
  expect(ids(await eventsOf(orders, OrderPlaced))).toEqual([...placed, ...cancelled].map(({ id }) => id).sort());
  expect(ids(await eventsOf(orders, OrderCancelled))).toEqual(cancelled.map(({ id }) => id).sort());
  expect(new Set(await told(orders))).toEqual(new Set(["OrderPlaced", "OrderCancelled", "OrderPaymentFailed"]));
});

/** What the provider must know of an order in each state. */
const MONEY: Readonly<Record<number, string>> = {
  [OrderState.ORDER_STATE_PLACED]: `${OrderState.ORDER_STATE_PLACED} charged`,
  [OrderState.ORDER_STATE_CANCELLED]: `${OrderState.ORDER_STATE_CANCELLED} refunded`,
  [OrderState.ORDER_STATE_PAYMENT_DECLINED]: `${OrderState.ORDER_STATE_PAYMENT_DECLINED} declined`,
  [OrderState.ORDER_STATE_EXPIRED]: `${OrderState.ORDER_STATE_EXPIRED} void`,
};
