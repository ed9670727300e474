import { Status } from "nice-grpc";
import { PromotionReminded } from "../../gen/bookstore/events/v1/order_events.ts";
import type { EventLog } from "../../runtime/events/event-log.ts";
import { calledBy, startOrders } from "../../test/support/orders.ts";
import { plaintext } from "../../test/support/plaintext.ts";
import { startRegister } from "../../test/support/service.ts";
import { promotionStore } from "./promotion-store.ts";
import { buy, eventsOf, fillCart, order } from "./testing.ts";

const LI = "7434029";
const usd = (minorUnits: bigint) => ({ currencyCode: "USD", minorUnits });
const operator = { metadata: calledBy("operator") };

test("a user gets one copy free, once", async () => {
  await using orders = await startOrders();
  await expect(orders.client.getPromotion({ userId: LI })).resolves.toEqual({ available: true });

  const first = await order(orders, LI, [[1, 3]]);
  const second = await order(orders, LI, [[1, 3]]);

  expect(first).toMatchObject({ buyTwoGetOneFreePromo: true, discount: usd(1000n), total: usd(2000n) });
  expect(second).toMatchObject({ buyTwoGetOneFreePromo: false, discount: undefined, total: usd(3000n) });
  await expect(orders.client.getPromotion({ userId: LI })).resolves.toEqual({ available: false });
});

test("an order of two copies leaves the promotion for later", async () => {
  await using orders = await startOrders();

  await order(orders, LI, [[1, 2]]);

  await expect(orders.client.getPromotion({ userId: LI })).resolves.toEqual({ available: true });
});

test("an order that is called off gives the promotion back, and another one can use it", async () => {
  await using orders = await startOrders();
  const { id } = await order(orders, LI, [[1, 3]]);
  await orders.client.cancelOrder({ userId: LI, orderId: id });

  const again = await order(orders, LI, [[1, 3]]);
  await orders.client.cancelOrder({ userId: LI, orderId: id });

  expect(again.buyTwoGetOneFreePromo).toBe(true);
  await expect(orders.client.getPromotion({ userId: LI })).resolves.toEqual({ available: false });
});

test("two windows that buy at the same time use the promotion once", async () => {
  await using orders = await startOrders();
  await fillCart(orders, LI, [[1, 3]]);

  const ends = await Promise.allSettled([buy(orders, LI), buy(orders, LI), buy(orders, LI)]);

  expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const found = await orders.client.listOrders({ userId: LI });
  expect(found.orders.filter((one) => one.buyTwoGetOneFreePromo)).toHaveLength(1);
});

test("reminds each user who has not used the promotion, once for each campaign", async () => {
  await using register = await startRegister({ credentials: plaintext("orders") });
  await using orders = await startOrders({ register: register.client });
  const ids: string[] = [];
  for (const name of ["li", "ann", "bob"]) {
    const profile = { email: `${name}@example.com`, name, language: "", country: "" };
    const { user } = await register.client.register(profile, { metadata: calledBy("gateway") });
    ids.push(user?.id ?? "");
  }
  await order(orders, ids[1] ?? "", [[1, 3]]);

  const spring = await Promise.all([1, 2].map(() => orders.client.remindOfPromotion({ campaign: "spring" }, operator)));
  const again = await orders.client.remindOfPromotion({ campaign: "spring" }, operator);

  expect(spring.reduce((sum, { remindedCount }) => sum + remindedCount, 0)).toBe(2);
  expect(again.remindedCount).toBe(0);
  expect(await eventsOf(orders, PromotionReminded)).toEqual([{ userId: ids[0] }, { userId: ids[2] }]);
  const autumn = await orders.client.remindOfPromotion({ campaign: "autumn" }, operator);
  expect(autumn.remindedCount).toBe(2);
});

test("a campaign that stops half-way goes on where it was", async () => {
  const pages = [["7000001", "7000002"], ["7000003"]];
  let reachable = 1;
  await using orders = await startOrders({
    register: {
      checkRegistered: async () => ({ user: undefined }),
      async listUserIds({ pageToken = "" }) {
        const page = Number(pageToken || 0);
        if (page >= reachable) throw new Error("register is away");
        return { userIds: pages[page] ?? [], nextPageToken: page + 1 < pages.length ? String(page + 1) : "" };
      },
    },
  });
  await expect(orders.client.remindOfPromotion({ campaign: "spring" }, operator)).rejects.toThrow();
  reachable = 2;

  await expect(orders.client.remindOfPromotion({ campaign: "spring" }, operator)).resolves.toEqual({ remindedCount: 1 });
});

test("buyers wait for the log while fifty are reminded, and no longer", async () => {
  await using orders = await startOrders();
  let appended = 0;
  const log: Pick<EventLog, "append" | "wake"> = {
    async append() {
      appended++;
      if (appended > 120) throw new Error("ended");
    },
    wake() {},
  };
  const userIds = Array.from({ length: 200 }, (_, i) => `${7_000_000 + i}`);

  const reminding = promotionStore(orders.store.db, log).remind("spring", userIds);

  await expect(reminding).rejects.toThrow("ended");
  expect(await orders.store.db.selectFrom("promotion_reminders").selectAll().execute()).toHaveLength(100);
});

test("only an operator reminds", async () => {
  await using orders = await startOrders();

  await expect(orders.client.remindOfPromotion({ campaign: "spring" })).rejects.toMatchObject({
    code: Status.PERMISSION_DENIED,
  });
});
