import { setImmediate } from "node:timers/promises";
import { Registry } from "prom-client";
import { OrderCancelled, OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { BookRated } from "../../gen/bookstore/events/v1/review_events.ts";
import { openDatabase } from "../../runtime/database.ts";
import type { EventType } from "../../runtime/events/event.ts";
import { EventConsumer } from "../../runtime/events/event-consumer.ts";
import { EventLog, type EventLogSchema, eventLogTables } from "../../runtime/events/event-log.ts";
import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../../test/support/database.ts";
import { subscriptions } from "./event-handlers.ts";
import { openRecommendationsStore, type Schema } from "./store.ts";

const logger = createLogger({ name: "test", level: "silent" });

/** The store of recommendations, and the log of a source that it follows. */
async function follow(source: "orders" | "reviews") {
  await using stack = new AsyncDisposableStack();
  const [own, its] = [stack.use(await testDatabase()), stack.use(await testDatabase())];
  const store = await openRecommendationsStore(own.url, logger);
  stack.defer(store.close);
  const { db, close } = await openDatabase<EventLogSchema>({ url: its.url, logger, migrations: { "0001-log": eventLogTables } });
  stack.defer(close);
  const log = new EventLog(db, { source });
  const consumer = new EventConsumer<Schema>({
    ...{ name: "recommendations", db: store.db, sources: [log], subscriptions, logger, metrics: new Registry() },
    time: { wait: () => setImmediate() },
  });
  consumer.start();
  stack.defer(() => consumer.close());
  const until = async (condition: (state: Awaited<ReturnType<typeof consumer.state>>[number]) => boolean) => {
    while (!(await consumer.state()).every(condition)) await setImmediate();
  };
  const append = async <T>(type: EventType<T>, subject: string, data: T) => {
    await db.transaction().execute((transaction) => log.append(transaction, type, { subject: `${source}/${subject}`, data }));
  };
  const order = (orderId: string, bookId: number) => {
    const books = [{ bookId, title: `Book ${bookId}`, quantity: 1, unitPrice: undefined }];
    return { orderId, userId: "ada", books };
  };
  const owned = stack.move();
  return {
    store,
    place: (orderId: string, bookId: number) => append(OrderPlaced, orderId, OrderPlaced.fromPartial(order(orderId, bookId))),
    cancel: (orderId: string, bookId: number) =>
      append(OrderCancelled, orderId, OrderCancelled.fromPartial(order(orderId, bookId))),
    rate: (bookId: number, rating: number) =>
      append(BookRated, `${bookId}`, { reviewId: `review-${bookId}`, userId: "ada", bookId, rating }),
    /** Resolves when all that the log has is handled. */
    async handled() {
      const last = await log.lastPosition();
      log.wake();
      await until(({ position }) => position === last);
    },
    async replay() {
      await consumer.replay(source, new Date(0));
      await until(({ replay }) => replay === undefined);
    },
    /** The source is restored to what it was at a position. */
    restore: (position: number) =>
      db.transaction().execute(async (transaction) => {
        await transaction.deleteFrom("event_log").where("position", ">", position).execute();
        await transaction.updateTable("event_log_head").set({ last_position: position }).execute();
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

test("goes by what readers rate after reviews was restored to what it was before", async () => {
  await using it = await follow("reviews");
  await it.rate(1, 3);
  await it.rate(2, 4);
  await it.rate(3, 4);
  await it.rate(1, 5);
  await it.handled();

  await it.restore(1);
  await it.rate(1, 1);
  await it.handled();

  expect(await it.store.interactions.of("ada")).toContainEqual({ bookId: 1, bought: false, rating: 1 });
});

test.each([0, 1, 9])(
  "knows again from a replay what was bought in an order whose cancellation orders has lost, after %d orders more",
  async (more) => {
    await using it = await follow("orders");
    await it.place("cancelled", 1);
    await it.cancel("cancelled", 1);
    await it.place("lost", 2);
    await it.place("kept", 3);
    await it.handled();
    for (let i = 0; i < 5; i++) await it.place(`lost-${i}`, 4);
    await it.cancel("lost", 2);
    await it.handled();
    expect(await it.store.interactions.of("ada")).not.toContainEqual(expect.objectContaining({ bookId: 2 }));

    await it.restore(4);
    for (let i = 0; i < more; i++) await it.place(`new-${i}`, 5);
    await it.handled();
    await it.replay();

    const bought = (await it.store.interactions.of("ada")).map(({ bookId }) => bookId);
    expect(new Set(bought)).toEqual(new Set([2, 3, 4, ...(more > 0 ? [5] : [])]));
  },
);
