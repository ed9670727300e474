import { Status } from "nice-grpc";
import { eventLogClient } from "../../clients/events.ts";
import { OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { calledBy, startOrders } from "../../test/support/orders.ts";
import { createdQueue } from "./order-events.ts";
import { order, refusal, testClock } from "./testing.ts";

const LI = "7434029";
const ANN = "7000001";

test("lists the orders of a user, newest first, page by page", async () => {
  const clock = testClock();
  await using orders = await startOrders({ now: clock.now });
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    // Two are of the same millisecond.
    if (i !== 3) clock.forward(1);
    ids.unshift((await order(orders, LI, [[1 + i, 1]])).id);
  }
  await order(orders, ANN, [[1, 1]]);

  const pages: string[][] = [];
  let pageToken = "";
  do {
    const page = await orders.client.listOrders({ userId: LI, pageSize: 2, pageToken });
    pages.push(page.orders.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");

  expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
  expect(new Set(pages.flat())).toEqual(new Set(ids));
  expect(pages.flat()[0]).toBe(ids[0]);
  expect(pages.flat().slice(3)).toEqual(ids.slice(3));
});

test.each([-1, 101])("refuses pages of %d orders", async (pageSize) => {
  await using orders = await startOrders();

  await expect(orders.client.listOrders({ userId: LI, pageSize })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "page_size" }],
  });
});

test("refuses a page token of another user's list", async () => {
  await using orders = await startOrders();
  await order(orders, LI, [[1, 1]]);
  await order(orders, LI, [[1, 1]]);
  const { nextPageToken: pageToken } = await orders.client.listOrders({ userId: LI, pageSize: 1 });

  await expect(orders.client.listOrders({ userId: ANN, pageToken })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "page_token" }],
  });
});

test("another user's order is one that is not there, whatever is done with it", async () => {
  await using orders = await startOrders();
  const { id: orderId } = await order(orders, LI, [[1, 1]]);

  const none = refusal(Status.NOT_FOUND, "ORDER_NOT_FOUND");
  await expect(orders.client.getOrder({ userId: ANN, orderId })).rejects.toMatchObject(none);
  await expect(orders.client.cancelOrder({ userId: ANN, orderId })).rejects.toMatchObject(none);
  const asAnn = { metadata: orders.users.as(ANN) };
  await expect(orders.client.getOrder({ userId: LI, orderId }, asAnn)).rejects.toMatchObject({ code: Status.NOT_FOUND });
  expect((await orders.client.listOrders({ userId: ANN })).orders).toEqual([]);
  const got = await orders.client.getOrder({ userId: LI, orderId });
  expect(got.order?.cancelRequestTime).toBeUndefined();
});

test("nobody orders without having signed in", async () => {
  await using orders = await startOrders();

  const call = orders.client.listOrders({ userId: LI }, { metadata: calledBy("marketplace") });

  await expect(call).rejects.toMatchObject({ code: Status.UNAUTHENTICATED });
});

test("serves the log of what has happened to those who follow it", async () => {
  await using orders = await startOrders();
  const { id } = await order(orders, LI, [[1, 1]]);
  const log = eventLogClient(orders.channel, orders.logger);

  for await (const { events } of log.followEvents({ afterPosition: 0n }, { metadata: calledBy("push") })) {
    expect(events).toMatchObject([{ source: "orders", subject: `orders/${id}`, type: OrderPlaced.$type }]);
    break;
  }
});

test("a broker gets the id of each new order in the queue order_created, and nothing for other events", () => {
  const data = Buffer.from(OrderPlaced.encode(OrderPlaced.fromPartial({ orderId: "6f9" })).finish());

  expect(createdQueue({ type: OrderPlaced.$type, data })).toEqual({ queue: "order_created", body: "6f9" });
  expect(createdQueue({ type: "bookstore.events.v1.OrderCancelled", data })).toBeUndefined();
});
