import { jest } from "@jest/globals";
import { Status } from "nice-grpc";
import { OrderState } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { startOrders } from "../../test/support/orders.ts";
import { aBook, fillCart, purchaseOf, refusal, testClock, told } from "./testing.ts";

const LI = "7434029";
const usd = (minorUnits: bigint) => ({ currencyCode: "USD", minorUnits });

test("the same request gets the same order, also when the cart is empty by then", async () => {
  await using orders = await startOrders();
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI);

  const first = await orders.client.placeOrder(purchase);
  await fillCart(orders, LI, [[2, 5]]);
  const second = await orders.client.placeOrder(purchase);

  expect(second).toEqual(first);
  expect(await told(orders)).toEqual(["OrderPlaced"]);
});

test("twenty of the same request at once make one order, charged once", async () => {
  let charges = 0;
  await using orders = await startOrders({
    payments: (simulated) => ({
      ...simulated,
      charge(...args) {
        charges++;
        return simulated.charge(...args);
      },
    }),
  });
  await fillCart(orders, LI, [[1, 2]]);
  const purchase = await purchaseOf(orders, LI);

  const answers = await Promise.all(Array.from({ length: 20 }, () => orders.client.placeOrder(purchase)));

  expect(new Set(answers.map(({ order }) => order?.id)).size).toBe(1);
  expect(new Set(answers.map(({ order }) => order?.state)).size).toBe(1);
  expect(charges).toBe(1);
  expect((await orders.client.listOrders({ userId: LI })).orders).toHaveLength(1);
  expect(await orders.store.stock.available([1])).toEqual(new Map([[1, 998]]));
  expect(await told(orders)).toEqual(["OrderPlaced"]);
});

test.each(["", "the revision of the cart"])(
  "one cart is bought once by two keys, whoever asks for prices meanwhile (%j)",
  async (revision) => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    let slow = false;
    await using orders = await startOrders({
      marketplace: {
        async batchGetBooks({ bookIds = [] }) {
          if (slow) {
            slow = false;
            asked.resolve();
            await answer.promise;
          }
          return { books: bookIds.map((bookId) => aBook(bookId)) };
        },
      },
    });
    await fillCart(orders, LI, [[1, 1]]);
    const purchases = await Promise.all([1, 2].map(() => purchaseOf(orders, LI)));
    const [first, second] = purchases.map((purchase) => (revision === "" ? { ...purchase, expectedCartRevision: "" } : purchase));

    slow = true;
    const late = orders.client.placeOrder(first ?? {});
    await asked.promise;
    await orders.client.placeOrder(second ?? {});
    answer.resolve();

    await expect(late).rejects.toMatchObject(refusal(Status.FAILED_PRECONDITION, "CART_EMPTY"));
    expect((await orders.client.listOrders({ userId: LI })).orders).toHaveLength(1);
    expect(await told(orders)).toEqual(["OrderPlaced"]);
    expect(await orders.store.stock.available([1])).toEqual(new Map([[1, 999]]));
  },
);

test("a cart that changes each time that it is bought is not bought", async () => {
  let changes = 0;
  await using orders = await startOrders({
    marketplace: {
      async batchGetBooks({ bookIds = [] }) {
        if (changes > 0) await orders.store.carts.change({ userId: LI }, new Date(), () => [{ bookId: ++changes, quantity: 2 }]);
        return { books: bookIds.map((bookId) => aBook(bookId)) };
      },
    },
  });
  await fillCart(orders, LI, [[1, 2]]);
  const purchase = await purchaseOf(orders, LI);
  changes = 1;

  const refused = orders.client.placeOrder({ ...purchase, expectedCartRevision: "" });

  await expect(refused).rejects.toMatchObject(refusal(Status.ABORTED, "CART_BUSY"));
  expect((await orders.client.listOrders({ userId: LI })).orders).toEqual([]);
});

test("refuses to buy another cart than the one that was shown, also at the same total", async () => {
  await using orders = await startOrders();
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI);
  await orders.client.removeItem({ userId: LI, bookId: 1 });
  await fillCart(orders, LI, [[2, 1]]);

  const refused = orders.client.placeOrder(purchase);

  await expect(refused).rejects.toMatchObject(refusal(Status.FAILED_PRECONDITION, "CART_CHANGED"));
  expect(await told(orders)).toEqual([]);
});

test("who waits for the payment of the same request looks less and less often, and only at its state", async () => {
  const charging = Promise.withResolvers<void>();
  await using orders = await startOrders({
    paymentWaitMs: 600,
    slowMs: 60_000,
    payments: (simulated) => ({
      ...simulated,
      charge(...args) {
        charging.resolve();
        return simulated.charge(...args);
      },
    }),
  });
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI, "tok_slow");
  const looks = { stateOf: jest.spyOn(orders.store.orders, "stateOf"), findByKey: jest.spyOn(orders.store.orders, "findByKey") };
  const first = orders.client.placeOrder(purchase);
  await charging.promise;

  await orders.client.placeOrder(purchase);

  await first;
  expect(looks.findByKey).toHaveBeenCalledTimes(2);
  // After 25, 75, 175, 375 and 600 ms.
  expect(looks.stateOf.mock.calls.length).toBeLessThanOrEqual(5);
});

test.each([
  ["another token", { paymentToken: "tok_declined" }],
  ["another total", { expectedTotal: usd(1n) }],
  ["another currency", { expectedTotal: { currencyCode: "EUR", minorUnits: 1000n } }],
])("refuses a key that was used with %s", async (_what, change) => {
  await using orders = await startOrders();
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI);
  await orders.client.placeOrder(purchase);

  await expect(orders.client.placeOrder({ ...purchase, ...change })).rejects.toMatchObject(
    refusal(Status.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED"),
  );
});

test("a key belongs to its user", async () => {
  await using orders = await startOrders();
  await fillCart(orders, LI, [[1, 1]]);
  await fillCart(orders, "7000001", [[1, 1]]);
  const purchase = await purchaseOf(orders, LI);

  const first = await orders.client.placeOrder(purchase);
  const second = await orders.client.placeOrder({ ...purchase, userId: "7000001" });

  expect(second.order?.id).not.toBe(first.order?.id);
});

test("a request that was refused may come again with its key", async () => {
  await using orders = await startOrders({ defaultStock: 0 });
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI);
  await expect(orders.client.placeOrder(purchase)).rejects.toMatchObject({ reason: "OUT_OF_STOCK" });
  await orders.store.stock.set(1, 1);

  await expect(orders.client.placeOrder(purchase)).resolves.toMatchObject({ order: { userId: LI } });
});

test("a declined payment stays declined for its key", async () => {
  await using orders = await startOrders();
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI, "tok_declined");

  const first = await orders.client.placeOrder(purchase).catch((error: unknown) => error);
  const second = await orders.client.placeOrder(purchase).catch((error: unknown) => error);

  const metadata = { order_id: expect.any(String) as unknown as string };
  expect(second).toMatchObject(refusal(Status.FAILED_PRECONDITION, "PAYMENT_DECLINED", metadata));
  expect(second).toEqual(first);
});

test("the same request pays for an order whose process was ended before it did, once, however many come", async () => {
  const clock = testClock();
  let ended = true;
  const charged: string[] = [];
  await using orders = await startOrders({
    now: clock.now,
    payments: (simulated) => ({
      ...simulated,
      async charge(...args) {
        if (ended) throw new Error("ended before it was asked");
        charged.push(args[0]);
        return simulated.charge(...args);
      },
    }),
  });
  await fillCart(orders, LI, [[1, 3]]);
  const purchase = await purchaseOf(orders, LI);
  const { order: pending } = await orders.client.placeOrder(purchase);
  expect(pending?.state).toBe(OrderState.ORDER_STATE_PENDING_PAYMENT);
  ended = false;
  clock.forward(3_001);

  const answers = await Promise.all([1, 2, 3].map(() => orders.client.placeOrder(purchase)));

  for (const { order } of answers) expect(order).toMatchObject({ id: pending?.id, state: OrderState.ORDER_STATE_PLACED });
  expect(new Set(charged)).toEqual(new Set([pending?.id]));
  expect(await told(orders)).toEqual(["OrderPlaced"]);
  expect(await orders.store.stock.get(1)).toEqual({ bookId: 1, onHand: 997, reserved: 0 });
  expect((await orders.client.getCart({ userId: LI })).cart?.quantity).toBe(0);
});
