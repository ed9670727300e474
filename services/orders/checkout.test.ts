import { Status } from "nice-grpc";
import { OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { OrderState } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { calledBy, startOrders } from "../../test/support/orders.ts";
import { plaintext } from "../../test/support/plaintext.ts";
import { startMarketplace, startRegister } from "../../test/support/service.ts";
import { aBook, buy, catalogueOf, eventsOf, fillCart, order, purchaseOf, refusal, told } from "./testing.ts";

const LI = "7434029";
const usd = (minorUnits: bigint) => ({ currencyCode: "USD", minorUnits });

/** Register, the marketplace and orders as they run together, and a user. */
async function startAll() {
  await using stack = new AsyncDisposableStack();
  const register = stack.use(await startRegister({ credentials: plaintext("orders") }));
  const marketplace = stack.use(await startMarketplace());
  const books = [
    { ...aBook(1, 899n), title: "The Maltese Falcon" },
    { ...aBook(2, 1250n), title: "Dune" },
  ];
  await marketplace.store.add(books.map((book) => ({ id: book.id, source: "test", sourceId: book.id, book })));
  const orders = stack.use(await startOrders({ register: register.client, marketplace: marketplace.client }));
  const profile = { email: "li@example.com", name: "Li", language: "", country: "" };
  const { user } = await register.client.register(profile, { metadata: calledBy("gateway") });
  const owned = stack.move();
  return { ...orders, orders, marketplace, userId: user?.id ?? "", [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test("a registered user buys what is in the cart, at the prices of the marketplace", async () => {
  await using all = await startAll();

  const bought = await order(all, all.userId, [
    [1, 2],
    [2, 1],
  ]);

  expect(bought).toEqual({
    ...{ id: expect.stringMatching(/^[0-9a-f-]{36}$/), userId: all.userId, state: OrderState.ORDER_STATE_PLACED },
    lines: [
      { bookId: 1, title: "The Maltese Falcon", quantity: 2, unitPrice: usd(899n), total: usd(1798n) },
      { bookId: 2, title: "Dune", quantity: 1, unitPrice: usd(1250n), total: usd(1250n) },
    ],
    ...{ subtotal: usd(3048n), discount: usd(899n), total: usd(2149n), buyTwoGetOneFreePromo: true },
    ...{ createTime: expect.any(Date), cancelRequestTime: undefined },
    history: [
      { state: OrderState.ORDER_STATE_PENDING_PAYMENT, time: expect.any(Date) },
      { state: OrderState.ORDER_STATE_PLACED, time: expect.any(Date) },
    ],
  });
  const got = await all.client.getOrder({ userId: all.userId, orderId: bought.id });
  expect(got.order).toEqual(bought);
  const { cart } = await all.client.getCart({ userId: all.userId });
  expect(cart?.lines).toEqual([]);
});

test("takes the copies out of the stock and tells others that the order is placed", async () => {
  await using orders = await startOrders();

  const bought = await order(orders, LI, [[1, 3]]);

  const { stock } = await orders.client.getStock({ bookId: 1 }, { metadata: calledBy("operator") });
  expect(stock).toEqual({ bookId: 1, onHand: 997, reserved: 0 });
  expect(await eventsOf(orders, OrderPlaced)).toEqual([
    {
      ...{ orderId: bought.id, userId: LI, total: usd(2000n), discount: usd(1000n), buyTwoGetOneFreePromo: true },
      books: [{ bookId: 1, title: "Book 1", quantity: 3, unitPrice: usd(1000n) }],
      placeTime: bought.history[1]?.time,
    },
  ]);
  expect(await orders.sales.metrics()).toContain('bookmesh_orders_total{state="PLACED"} 1');
  expect(await orders.sales.metrics()).toContain('bookmesh_payment_duration_seconds_count{outcome="charged"} 1');
});

test("refuses to order nothing", async () => {
  await using orders = await startOrders();

  const placed = orders.client.placeOrder({ ...(await purchaseOf(orders, LI)), expectedTotal: usd(0n) });

  await expect(placed).rejects.toMatchObject(refusal(Status.FAILED_PRECONDITION, "CART_EMPTY"));
});

test("names every field that is missing", async () => {
  await using orders = await startOrders();

  const placed = orders.client.placeOrder({ userId: LI });

  await expect(placed).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "idempotency_key" }, { field: "expected_total" }, { field: "payment_token" }],
  });
});

test("tells the new total when a price has changed since the cart was shown", async () => {
  let price = 1000n;
  await using orders = await startOrders({ marketplace: catalogueOf((bookId) => aBook(bookId, price)) });
  await fillCart(orders, LI, [[1, 2]]);
  const purchase = await purchaseOf(orders, LI);
  price = 1100n;

  const changed = { currency_code: "USD", minor_units: "2200" };
  await expect(orders.client.placeOrder(purchase)).rejects.toMatchObject(
    refusal(Status.FAILED_PRECONDITION, "PRICE_CHANGED", changed),
  );
  await expect(buy(orders, LI)).resolves.toMatchObject({ total: usd(2200n) });
});

test("refuses an order that names another currency, or has two", async () => {
  const currencies = ["USD", "USD", "EUR"];
  await using orders = await startOrders({
    marketplace: catalogueOf((bookId) => aBook(bookId, 1000n, currencies[bookId])),
  });
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI);

  const pounds = orders.client.placeOrder({ ...purchase, expectedTotal: { currencyCode: "GBP", minorUnits: 1000n } });
  await expect(pounds).rejects.toMatchObject({ reason: "PRICE_CHANGED" });
  await fillCart(orders, LI, [[2, 1]]);
  const mixed = orders.client.placeOrder({ ...purchase, expectedCartRevision: "" });
  await expect(mixed).rejects.toMatchObject(refusal(Status.FAILED_PRECONDITION, "MIXED_CURRENCIES"));
});

test("names the books that the shop has no more", async () => {
  const gone = new Set<number>();
  const marketplace = catalogueOf((bookId) => (gone.has(bookId) ? undefined : aBook(bookId)));
  await using orders = await startOrders({ marketplace });
  await fillCart(orders, LI, [
    [1, 1],
    [2, 1],
  ]);
  const purchase = await purchaseOf(orders, LI);
  gone.add(2);

  await expect(orders.client.placeOrder(purchase)).rejects.toMatchObject(
    refusal(Status.FAILED_PRECONDITION, "BOOK_GONE", { book_ids: "2" }),
  );
});

test("names the books of which there are not enough, and leaves everything as it was", async () => {
  await using orders = await startOrders({ defaultStock: 2 });
  await fillCart(orders, LI, [
    [7, 3],
    [5, 2],
    [4, 9],
  ]);

  await expect(buy(orders, LI)).rejects.toMatchObject(refusal(Status.FAILED_PRECONDITION, "OUT_OF_STOCK", { book_ids: "4,7" }));

  const { cart } = await orders.client.getCart({ userId: LI });
  expect(cart?.lines).toHaveLength(3);
  expect((await orders.client.listOrders({ userId: LI })).orders).toEqual([]);
  expect(await orders.store.stock.available([4, 5, 7])).toEqual(new Map([4, 5, 7].map((bookId) => [bookId, 2])));
  expect(await told(orders)).toEqual([]);
  await expect(orders.client.getPromotion({ userId: LI })).resolves.toEqual({ available: true });
});

test("keeps what was put into the cart while the payment was under way", async () => {
  const charging = Promise.withResolvers<void>();
  const charge = Promise.withResolvers<void>();
  await using orders = await startOrders({
    payments: (simulated) => ({
      ...simulated,
      async charge(...args) {
        charging.resolve();
        await charge.promise;
        return simulated.charge(...args);
      },
    }),
  });
  await fillCart(orders, LI, [[1, 1]]);

  const buying = buy(orders, LI);
  await charging.promise;
  await fillCart(orders, LI, [
    [1, 1],
    [2, 4],
  ]);
  charge.resolve();
  await buying;

  const { cart } = await orders.client.getCart({ userId: LI });
  expect(cart?.lines).toMatchObject([
    { bookId: 1, quantity: 1 },
    { bookId: 2, quantity: 4 },
  ]);
});

test("writes the payment token nowhere", async () => {
  await using orders = await startOrders();
  const token = "tok_0f3be5c1";

  await expect(order(orders, LI, [[1, 1]], token)).rejects.toMatchObject({ reason: "PAYMENT_DECLINED" });

  expect(JSON.stringify(orders.logs.all)).not.toContain(token);
  const rows = await orders.store.db.selectFrom("orders").selectAll().execute();
  expect(JSON.stringify(rows)).not.toContain(token);
});
