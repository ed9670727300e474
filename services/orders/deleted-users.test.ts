import { Status } from "nice-grpc";
import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import { OrderState } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { testEvent } from "../../test/support/events.ts";
import { calledBy, type OrdersUnderTest, startOrders } from "../../test/support/orders.ts";
import { buy, fillCart, order, purchaseOf, refusal, testClock, told } from "./testing.ts";

const LI = "7434029";
const ANA = "7434030";
const NOT_REGISTERED = refusal(Status.NOT_FOUND, "USER_NOT_REGISTERED");
const deleted = (userId: string) => testEvent(UserDeleted, { userId }, { source: "register", subject: `users/${userId}` });

/** The owners of all carts, and of what is in them. */
async function cartsIn({ store }: OrdersUnderTest): Promise<string[]> {
  const carts = await store.db.selectFrom("carts").select("owner").execute();
  const lines = await store.db.selectFrom("cart_lines").select("owner").execute();
  return [...carts, ...lines].map(({ owner }) => owner);
}

test("removes the cart of a deleted user, and keeps the orders", async () => {
  await using orders = await startOrders();
  const placed = await order(orders, LI, [[1, 3]]);
  await fillCart(orders, LI, [[2, 1]]);
  await fillCart(orders, ANA, [[2, 1]]);

  const event = deleted(LI);
  for (let time = 0; time < 3; time++) await orders.events.handle(event);

  expect(await cartsIn(orders)).toEqual([`user/${ANA}`, `user/${ANA}`]);
  expect((await orders.client.listOrders({ userId: LI })).orders.map(({ id }) => id)).toEqual([placed.id]);
});

test("fills no cart of a deleted user whose access token is good still", async () => {
  await using orders = await startOrders();
  const guest = { metadata: calledBy("marketplace") };
  const { guestCartId } = await orders.client.addGuestItem({ bookId: 1, quantity: 1 }, guest);
  await orders.events.handle(deleted(LI));

  await expect(orders.client.addItem({ userId: LI, bookId: 1, quantity: 1 })).rejects.toMatchObject(NOT_REGISTERED);
  await expect(orders.client.mergeCart({ userId: LI, guestCartId })).rejects.toMatchObject(NOT_REGISTERED);

  expect((await cartsIn(orders)).filter((owner) => owner.startsWith("user/"))).toEqual([]);
  expect((await orders.client.getGuestCart({ guestCartId }, guest)).cart?.quantity).toBe(1);
});

test("leaves nothing of what is put into the cart in the moment of the deletion", async () => {
  await using orders = await startOrders();
  const filling = Array.from({ length: 20 }, (_, i) => fillCart(orders, LI, [[i + 1, 1]]).catch((error: unknown) => error));
  await Promise.race(filling);

  await orders.events.handle(deleted(LI));
  await Promise.all(filling);

  expect(await cartsIn(orders)).toEqual([]);
});

test("goes on with an order that is under way, and empties no cart that is gone", async () => {
  const clock = testClock();
  await using orders = await startOrders({ now: clock.now, slowMs: 60_000, paymentWaitMs: 30 });
  await fillCart(orders, LI, [[1, 2]]);
  const pending = await buy(orders, LI, "tok_slow");
  expect(pending.state).toBe(OrderState.ORDER_STATE_PENDING_PAYMENT);

  await orders.events.handle(deleted(LI));
  clock.forward(60_000);
  await orders.settler.look();

  const { order: placed } = await orders.client.getOrder({ userId: LI, orderId: pending.id });
  expect(placed?.state).toBe(OrderState.ORDER_STATE_PLACED);
  expect(await told(orders)).toEqual(["OrderPlaced"]);
  expect(await orders.store.stock.available([1])).toEqual(new Map([[1, 998]]));
  expect(await cartsIn(orders)).toEqual([]);
});

test("lets a deleted user buy no more, as the cart is gone", async () => {
  await using orders = await startOrders();
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI);

  await orders.events.handle(deleted(LI));

  await expect(orders.client.placeOrder(purchase)).rejects.toMatchObject({ reason: "CART_EMPTY" });
});

test("reminds no deleted user of the promotion, and forgets who was reminded before", async () => {
  const operator = { metadata: calledBy("operator") };
  await using orders = await startOrders({
    register: {
      checkRegistered: async () => ({ user: undefined }),
      // As who has asked before the deletion.
      listUserIds: async () => ({ userIds: [LI, ANA], nextPageToken: "" }),
    },
  });
  await orders.client.remindOfPromotion({ campaign: "spring" }, operator);
  await orders.events.handle(deleted(LI));

  const autumn = await orders.client.remindOfPromotion({ campaign: "autumn" }, operator);

  expect(autumn).toEqual({ remindedCount: 1 });
  const rows = await orders.store.db
    .selectFrom("promotion_reminders")
    .select(["campaign", "user_id"])
    .orderBy("campaign")
    .execute();
  expect(rows).toEqual([
    { campaign: "autumn", user_id: ANA },
    { campaign: "spring", user_id: ANA },
  ]);
});
