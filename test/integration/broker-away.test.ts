import { Random } from "../fuzz/random.ts";
import { readEvidence, wholeProblems } from "../kill-points/evidence.ts";
import { judge } from "../kill-points/judge.ts";
import { Purchase } from "../kill-points/purchase.ts";
import { settled } from "../kill-points/run.ts";
import { Shop } from "../kill-points/shop.ts";

/** One a second for ten minutes; here they come as fast as they can. */
const ORDERS = 600;
const BUYERS_AT_ONCE = 20;
const DRAINED_MS = 180_000;

test("while the broker is away for ten minutes the shop sells, and then everybody hears of every order once", async () => {
  await using shop = await Shop.open({ store: "sqlite", transport: "amqp", programs: ["push", "recommendations"] });
  const random = new Random(20_261_121);
  const { broker } = shop;
  if (broker === undefined) throw new Error("there is no broker");
  const sell = async (prefix: string, count: number) => {
    const purchases: Purchase[] = [];
    while (purchases.length < count) {
      const ids = Array.from({ length: BUYERS_AT_ONCE }, (_, i) => `${prefix}${purchases.length + i}`);
      const buyers = await Promise.all(ids.map((id) => Purchase.prepare(shop, id, "tok_ok", random)));
      expect(await Promise.all(buyers.map((buyer) => buyer.place()))).toEqual(buyers.map(() => true));
      purchases.push(...buyers);
    }
    return purchases;
  };
  // An ordinary day: everybody follows.
  await sell("before-", BUYERS_AT_ONCE);
  await settled(shop);
  await broker.stop();

  const purchases = await sell("away-", ORDERS);
  expect(new Set(purchases.flatMap(({ answers }) => answers.map(({ state }) => state)))).toEqual(new Set(["PLACED"]));
  expect((await readEvidence(shop, "away-")).notifications).toEqual([]);

  await broker.start();
  await settled(shop, DRAINED_MS);

  const evidence = await readEvidence(shop, "away-");
  expect(evidence.notifications).toHaveLength(ORDERS);
  expect(purchases.flatMap((purchase) => judge(purchase, evidence))).toEqual([]);
  expect(await wholeProblems(shop)).toEqual([]);
}, 300_000);
