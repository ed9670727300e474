import { Status } from "nice-grpc";
import { calledBy, startOrders } from "../../test/support/orders.ts";
import { buy, fillCart, order, refusal } from "./testing.ts";

const operator = { metadata: calledBy("operator") };

test("fifty buyers of ten copies at once: exactly ten get one, and the others keep their carts", async () => {
  await using orders = await startOrders({ defaultStock: 10 });
  const buyers = Array.from({ length: 50 }, (_, i) => `70000${10 + i}`);
  await Promise.all(buyers.map((userId) => fillCart(orders, userId, [[1, 1]])));

  const ends = await Promise.allSettled(buyers.map((userId) => buy(orders, userId)));

  expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
  const refused = ends.flatMap((end) => (end.status === "rejected" ? [end.reason.reason] : []));
  expect(refused).toEqual(Array(40).fill("OUT_OF_STOCK"));
  const { stock } = await orders.client.getStock({ bookId: 1 }, operator);
  expect(stock).toEqual({ bookId: 1, onHand: 0, reserved: 0 });
  const rows = await orders.store.db.selectFrom("orders").select("state").execute();
  expect(rows).toEqual(Array(10).fill({ state: "PLACED" }));
  const carts = await Promise.all(buyers.map((userId) => orders.store.carts.items({ userId }, new Date())));
  expect(carts.filter((items) => items?.length === 1)).toHaveLength(40);
});

test("two buyers of the same two books, the other way round, do not wait for each other for ever", async () => {
  await using orders = await startOrders();
  const buyers = Array.from({ length: 10 }, (_, i) => `700000${i}`);
  await Promise.all(
    buyers.map((userId, i) =>
      fillCart(orders, userId, [
        [1 + (i % 2), 1],
        [2 - (i % 2), 1],
      ]),
    ),
  );

  await Promise.all(buyers.map((userId) => buy(orders, userId)));

  expect(await orders.store.stock.available([1, 2])).toEqual(
    new Map([
      [1, 990],
      [2, 990],
    ]),
  );
});

test("a book that was never counted has as many copies as the setting says", async () => {
  await using orders = await startOrders({ defaultStock: 7 });

  const { stock } = await orders.client.getStock({ bookId: 1 }, operator);

  expect(stock).toEqual({ bookId: 1, onHand: 7, reserved: 0 });
});

test("an operator counts the copies, but not fewer than are kept for orders", async () => {
  await using orders = await startOrders({ paymentWaitMs: 10 });
  await order(orders, "7434029", [[1, 5]], "tok_slow");

  await expect(orders.client.setStock({ bookId: 1, onHand: 4 }, operator)).rejects.toMatchObject(
    refusal(Status.FAILED_PRECONDITION, "STOCK_RESERVED"),
  );
  const { stock } = await orders.client.setStock({ bookId: 1, onHand: 5 }, operator);
  expect(stock).toEqual({ bookId: 1, onHand: 5, reserved: 5 });
  await orders.client.setStock({ bookId: 2, onHand: 0 }, operator);
  await expect(order(orders, "7000001", [[2, 1]])).rejects.toMatchObject({ reason: "OUT_OF_STOCK" });
});

test("nobody but an operator counts the copies", async () => {
  await using orders = await startOrders();

  await expect(orders.client.setStock({ bookId: 1, onHand: 5 })).rejects.toMatchObject({ code: Status.PERMISSION_DENIED });
});
