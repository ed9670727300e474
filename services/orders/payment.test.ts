import { Status } from "nice-grpc";
import type { Registry } from "prom-client";
import { OrderCancelled, OrderPaymentFailed } from "../../gen/bookstore/events/v1/order_events.ts";
import { OrderState } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { type OrdersOptions, startOrders } from "../../test/support/orders.ts";
import { buy, eventsOf, fillCart, order, purchaseOf, refusal, testClock, told } from "./testing.ts";

const { ORDER_STATE_PENDING_PAYMENT: PENDING, ORDER_STATE_PLACED: PLACED } = OrderState;
const { ORDER_STATE_PAYMENT_DECLINED: DECLINED, ORDER_STATE_EXPIRED: EXPIRED, ORDER_STATE_CANCELLED: CANCELLED } = OrderState;
const LI = "7434029";
const usd = (minorUnits: bigint) => ({ currencyCode: "USD", minorUnits });

/** For payments that take longer. */
const IMPATIENT = { paymentWaitMs: 30 };

/** Orders with a clock. */
async function startWithClock(options: OrdersOptions = {}) {
  const clock = testClock();
  const orders = await startOrders({ now: clock.now, slowMs: 60_000, ...options });
  const stateOf = async (orderId: string) => (await orders.client.getOrder({ userId: LI, orderId })).order?.state;
  return { ...orders, clock, stateOf };
}

/** In seconds. */
async function longestWait({ sales }: { sales: Registry }): Promise<number | undefined> {
  return (await sales.getSingleMetric("bookmesh_orders_longest_wait_seconds")?.get())?.values[0]?.value;
}

test("a declined payment is told, with the order, and frees what was kept", async () => {
  await using orders = await startWithClock();
  await fillCart(orders, LI, [[1, 3]]);

  const failure = await buy(orders, LI, "tok_declined").catch((error: unknown) => error);

  const [declined] = (await orders.client.listOrders({ userId: LI })).orders;
  expect(declined?.state).toBe(DECLINED);
  expect(failure).toMatchObject(refusal(Status.FAILED_PRECONDITION, "PAYMENT_DECLINED", { order_id: declined?.id ?? "" }));
  expect(await orders.store.stock.available([1])).toEqual(new Map([[1, 1000]]));
  // The buyer was told by the answer, and may try another card at once, with the promotion.
  expect(await told(orders)).toEqual([]);
  await expect(buy(orders, LI)).resolves.toMatchObject({ state: PLACED, buyTwoGetOneFreePromo: true });
});

test("a slow payment is answered before the deadline, and completed later", async () => {
  await using orders = await startWithClock();
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI, "tok_slow");

  const { order: pending } = await orders.client.placeOrder(purchase, { deadlineMs: 600 });

  expect(pending?.state).toBe(PENDING);
  expect(await orders.store.stock.available([1])).toEqual(new Map([[1, 999]]));
  orders.clock.forward(30_000);
  await orders.settler.look();
  expect(await orders.stateOf(pending?.id ?? "")).toBe(PENDING);
  expect(await longestWait(orders)).toBe(30);
  orders.clock.forward(30_000);
  await orders.settler.look();
  expect(await orders.stateOf(pending?.id ?? "")).toBe(PLACED);
  expect(await longestWait(orders)).toBe(0);
  expect(await told(orders)).toEqual(["OrderPlaced"]);
  expect((await orders.client.getCart({ userId: LI })).cart?.lines).toEqual([]);
  await expect(orders.client.placeOrder(purchase)).resolves.toMatchObject({ order: { id: pending?.id, state: PLACED } });
});

test("a slow payment that comes while the process lives completes the order behind the answer", async () => {
  await using orders = await startOrders({ paymentWaitMs: 10, slowMs: 60 });
  const stop = new AbortController();
  const followed = orders.store.events.follow({ afterPosition: 0 }, stop.signal);
  await followed.next();

  const { id, state } = await order(orders, LI, [[1, 1]], "tok_slow");

  expect(state).toBe(PENDING);
  const { value } = await followed.next();
  expect(value.events).toMatchObject([{ subject: `orders/${id}`, type: "bookstore.events.v1.OrderPlaced" }]);
  stop.abort();
});

test("a buyer who leaves while the payment is under way has bought", async () => {
  const leave = new AbortController();
  await using orders = await startWithClock({
    payments: (simulated) => ({
      ...simulated,
      charge(...args) {
        leave.abort();
        return simulated.charge(...args);
      },
    }),
  });
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI);

  await expect(orders.client.placeOrder(purchase, { signal: leave.signal })).rejects.toThrow();

  const { order: placed } = await orders.client.placeOrder(purchase);
  expect(placed?.state).toBe(PLACED);
  expect(await told(orders)).toEqual(["OrderPlaced"]);
});

test("a slow payment that fails frees what was kept, and the buyer is told by an event", async () => {
  await using orders = await startWithClock(IMPATIENT);
  const { id } = await order(orders, LI, [[1, 3]], "tok_slow_declined");
  orders.clock.forward(60_000);

  await orders.settler.look();
  await orders.settler.look();

  expect(await orders.stateOf(id)).toBe(DECLINED);
  expect(await eventsOf(orders, OrderPaymentFailed)).toEqual([{ orderId: id, userId: LI }]);
  expect(await orders.store.stock.available([1])).toEqual(new Map([[1, 1000]]));
  expect((await orders.client.getPromotion({ userId: LI })).available).toBe(true);
  expect((await orders.client.getCart({ userId: LI })).cart?.quantity).toBe(3);
});

test("an order whose payment never arrived expires, and is never charged after that", async () => {
  await using orders = await startWithClock(IMPATIENT);
  const { id, state } = await order(orders, LI, [[1, 1]], "tok_unreachable");
  expect(state).toBe(PENDING);
  orders.clock.forward(59_000);
  await orders.settler.look();
  expect(await orders.stateOf(id)).toBe(PENDING);

  orders.clock.forward(1_000);
  await orders.settler.look();

  expect(await orders.stateOf(id)).toBe(EXPIRED);
  expect(await told(orders)).toEqual(["OrderPaymentFailed"]);
  expect(await orders.store.stock.available([1])).toEqual(new Map([[1, 1000]]));
  const late = orders.payments.charge(id, usd(1000n), "tok_ok", AbortSignal.timeout(1_000));
  await expect(late).resolves.toBe("declined");
});

test("nobody buys the same cart again while its payment is under way", async () => {
  await using orders = await startWithClock(IMPATIENT);
  const { id } = await order(orders, LI, [[1, 1]], "tok_slow");

  const failure = await buy(orders, LI).catch((error: unknown) => error);

  expect(failure).toMatchObject(refusal(Status.FAILED_PRECONDITION, "PAYMENT_PENDING", { order_id: id }));
});

test("a provider that is away for a while is asked again", async () => {
  let away = true;
  await using orders = await startWithClock({
    ...IMPATIENT,
    payments: (simulated) => ({
      ...simulated,
      find: (...args) => (away ? Promise.reject(new Error("away")) : simulated.find(...args)),
    }),
  });
  const { id } = await order(orders, LI, [[1, 1]], "tok_slow");
  orders.clock.forward(60_000);
  await orders.settler.look();
  expect(await orders.stateOf(id)).toBe(PENDING);

  away = false;
  await orders.settler.look();

  expect(await orders.stateOf(id)).toBe(PLACED);
});

test("a provider that does not answer for some orders holds up no others, and is complained of once", async () => {
  const silent = new Set<string>();
  await using orders = await startWithClock({
    ...IMPATIENT,
    paymentAnswerMs: 300,
    payments: (simulated) => ({
      ...simulated,
      find: (...args) => (silent.has(args[0]) ? new Promise(() => {}) : simulated.find(...args)),
    }),
  });
  const ids: string[] = [];
  for (const userId of ["7000001", "7000002", LI]) {
    const { id } = await order(orders, userId, [[1, 1]], "tok_slow");
    ids.push(id);
  }
  for (const id of ids.slice(0, 2)) silent.add(id);
  orders.clock.forward(60_000);

  await orders.settler.look();

  expect(await orders.stateOf(ids[2] ?? "")).toBe(PLACED);
  expect(orders.logs.all.filter(({ msg }) => msg === "could not settle orders")).toMatchObject([{ orders: 2 }]);
});

test("whoever stops to settle waits until the look in hand is over", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<"charged">();
  await using orders = await startWithClock({
    ...IMPATIENT,
    payments: (simulated) => ({
      ...simulated,
      find() {
        asked.resolve();
        return answer.promise;
      },
    }),
  });
  const { id } = await order(orders, LI, [[1, 1]], "tok_slow");
  orders.clock.forward(60_000);
  const stop = orders.settler.start(60_000);
  await asked.promise;

  const stopped = stop();
  answer.resolve("charged");
  await stopped;

  expect(await orders.stateOf(id)).toBe(PLACED);
});

test("a user calls an order off, and gets back what was paid, the copies and the promotion", async () => {
  await using orders = await startWithClock();
  const { id } = await order(orders, LI, [[1, 3]]);

  const { order: cancelled } = await orders.client.cancelOrder({ userId: LI, orderId: id });

  expect(cancelled).toMatchObject({ state: CANCELLED, history: [{ state: PENDING }, { state: PLACED }, { state: CANCELLED }] });
  expect(await orders.payments.find(id, AbortSignal.timeout(10_000))).toBe("refunded");
  expect(await orders.store.stock.available([1])).toEqual(new Map([[1, 1000]]));
  expect((await orders.client.getPromotion({ userId: LI })).available).toBe(true);
  expect(await eventsOf(orders, OrderCancelled)).toMatchObject([{ orderId: id, userId: LI, refund: usd(2000n) }]);
});

test("calling an order off twice, also at once, cancels it once", async () => {
  await using orders = await startWithClock();
  const { id } = await order(orders, LI, [[1, 1]]);
  const request = { userId: LI, orderId: id };

  const answers = await Promise.all([1, 2, 3, 4].map(() => orders.client.cancelOrder(request)));
  answers.push(await orders.client.cancelOrder(request));

  expect(answers.map((answer) => answer.order?.state)).toEqual(Array(5).fill(CANCELLED));
  expect(await told(orders)).toEqual(["OrderPlaced", "OrderCancelled"]);
  expect(await orders.store.stock.available([1])).toEqual(new Map([[1, 1000]]));
});

test("a refund that the provider does not answer is made later", async () => {
  let away = true;
  await using orders = await startWithClock({
    payments: (simulated) => ({
      ...simulated,
      refund: (...args) => (away ? new Promise(() => {}) : simulated.refund(...args)),
    }),
  });
  const { id } = await order(orders, LI, [[1, 1]]);

  const { order: waiting } = await orders.client.cancelOrder({ userId: LI, orderId: id }, { deadlineMs: 400 });
  expect(waiting).toMatchObject({ state: PLACED, cancelRequestTime: orders.clock.now() });
  away = false;
  orders.clock.forward(6_000);
  await orders.settler.look();

  expect(await orders.stateOf(id)).toBe(CANCELLED);
  expect(await told(orders)).toEqual(["OrderPlaced", "OrderCancelled"]);
});

test("only an order that was placed can be called off", async () => {
  await using orders = await startWithClock(IMPATIENT);
  const { id } = await order(orders, LI, [[1, 1]], "tok_slow");

  await expect(orders.client.cancelOrder({ userId: LI, orderId: id })).rejects.toMatchObject(
    refusal(Status.FAILED_PRECONDITION, "ORDER_NOT_PLACED"),
  );
  await expect(orders.client.cancelOrder({ userId: LI, orderId: "none" })).rejects.toMatchObject(
    refusal(Status.NOT_FOUND, "ORDER_NOT_FOUND"),
  );
});
