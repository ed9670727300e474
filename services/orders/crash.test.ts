import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { OrderState } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { createLogger } from "../../runtime/logger.ts";
import { type TestDatabase, testDatabase } from "../../test/support/database.ts";
import { startOrders } from "../../test/support/orders.ts";
import { openOrdersStore } from "./store.ts";
import { order, testClock, told } from "./testing.ts";
import type { Outcome, ReplicaWork } from "./testing-replica.ts";

const REPLICA = fileURLToPath(new URL("./testing-replica.ts", import.meta.url));
const END_AT_STEP = fileURLToPath(new URL("../../test/support/end-at-step.ts", import.meta.url));
const LI = "7434029";
const PURCHASE = {
  ...{ userId: LI, idempotencyKey: "the key", paymentToken: "tok_ok" },
  expectedTotal: { currencyCode: "USD", minorUnits: 1000n },
};
const { ORDER_STATE_PLACED: PLACED, ORDER_STATE_EXPIRED: EXPIRED, ORDER_STATE_CANCELLED: CANCELLED } = OrderState;

/** Starts a replica. @param step where it ends, as if the machine lost its power. */
function startReplica(work: ReplicaWork, step = ""): ChildProcess {
  const execArgv = step === "" ? [] : ["--import", END_AT_STEP];
  return fork(REPLICA, [JSON.stringify(work)], { execArgv, env: { ...process.env, END_AT_STEP: step } });
}

/** Puts one copy of a book into the carts of users. */
async function fillCarts(database: TestDatabase, users: readonly string[]): Promise<void> {
  const logger = createLogger({ name: "test", level: "silent" });
  const store = await openOrdersStore(database.url, logger, { defaultStock: 0, guestCartMs: 0 });
  for (const userId of users) await store.carts.change({ userId }, new Date(), () => [{ bookId: 1, quantity: 1 }]);
  await store.close();
}

/** Lets a replica work until it ends at a step. */
async function crashAt(step: string, work: ReplicaWork): Promise<void> {
  const replica = startReplica(work, step);
  await once(replica, "message");
  replica.send("go");
  const [, signal] = await once(replica, "exit");
  expect(signal).toBe("SIGKILL");
}

test.each([
  ["orders.key-noted", PLACED],
  ["orders.order-committed", EXPIRED],
  ["orders.before-charge", EXPIRED],
  ["orders.charged", PLACED],
  ["orders.before-placed-commit", PLACED],
  ["orders.placed-committed", PLACED],
])("a process that is ended at %s leaves nothing half-done, and the same request gets one order", async (step, state) => {
  await using database = await testDatabase();
  const { url } = database;
  await fillCarts(database, [LI]);
  await crashAt(step, { url, buyers: [{ userId: LI, key: PURCHASE.idempotencyKey }], defaultStock: 1_000 });

  const clock = testClock(Date.now() + 120_000);
  await using orders = await startOrders({ url, now: clock.now });
  await orders.settler.look();
  const { order: found } = await orders.client.placeOrder(PURCHASE);

  expect(found?.state).toBe(state);
  expect((await orders.client.listOrders({ userId: LI })).orders).toEqual([found]);
  const placed = state === PLACED;
  expect(await told(orders)).toEqual([placed ? "OrderPlaced" : "OrderPaymentFailed"]);
  expect(await orders.payments.find(found?.id ?? "", AbortSignal.timeout(10_000))).toBe(placed ? "charged" : "void");
  expect(await orders.store.stock.get(1)).toEqual({ bookId: 1, onHand: placed ? 999 : 1_000, reserved: 0 });
  expect((await orders.client.getCart({ userId: LI })).cart?.quantity).toBe(placed ? 0 : 1);
});

test("a process that is ended between the refund and its note refunds once, and cancels", async () => {
  await using database = await testDatabase();
  const { url } = database;
  await fillCarts(database, [LI]);
  await crashAt("orders.refund-made", { url, buyers: [{ userId: LI, key: "key" }], defaultStock: 1_000, cancel: true });

  const clock = testClock(Date.now() + 120_000);
  await using orders = await startOrders({ url, now: clock.now });
  await orders.settler.look();

  const [cancelled] = (await orders.client.listOrders({ userId: LI })).orders;
  expect(cancelled?.state).toBe(CANCELLED);
  expect(await told(orders)).toEqual(["OrderPlaced", "OrderCancelled"]);
  expect(await orders.store.stock.get(1)).toEqual({ bookId: 1, onHand: 1_000, reserved: 0 });
});

test("two replicas at once sell ten copies to ten of thirty buyers, and one order under one key", async () => {
  await using database = await testDatabase();
  const { url } = database;
  const users = Array.from({ length: 30 }, (_, i) => `70000${10 + i}`);
  await fillCarts(database, users);
  const buyers = users.map((userId) => ({ userId, key: "the same for both" }));
  const replicas = [startReplica({ url, buyers, defaultStock: 10 }), startReplica({ url, buyers, defaultStock: 10 })];
  await Promise.all(replicas.map((replica) => once(replica, "message")));

  const ends = replicas.map((replica) => once(replica, "message"));
  for (const replica of replicas) replica.send("go");
  const [ours = [], others = []] = (await Promise.all(ends)).map(([outcomes]) => outcomes as Outcome[]);

  expect(ours).toEqual(others);
  expect(ours.filter((outcome) => "id" in outcome)).toHaveLength(10);
  await using orders = await startOrders({ url });
  expect(await orders.store.stock.get(1)).toEqual({ bookId: 1, onHand: 0, reserved: 0 });
  expect(await told(orders)).toEqual(Array(10).fill("OrderPlaced"));
});

test("settlers that work at the same time settle each order once", async () => {
  const clock = testClock();
  await using orders = await startOrders({ now: clock.now, paymentWaitMs: 10, slowMs: 60_000 });
  for (let i = 0; i < 5; i++) await order(orders, `700000${i}`, [[1, 1]], "tok_slow");
  clock.forward(60_000);

  await Promise.all([orders.settler.look(), orders.settler.look(), orders.settler.look()]);

  expect(await told(orders)).toEqual(Array(5).fill("OrderPlaced"));
  expect(await orders.store.stock.get(1)).toEqual({ bookId: 1, onHand: 995, reserved: 0 });
});
