import { createLogger } from "../../runtime/logger.ts";
import { noteChange } from "../../services/recommendations/interaction-store.ts";
import { openRecommendationsStore } from "../../services/recommendations/store.ts";
import { Training } from "../../services/recommendations/training.ts";

// Learns from a store, and from some orders more: what that takes when nothing else is done. Run by scale.ts.

export interface Learned {
  /** CPU time, in milliseconds. */
  all: number;
  orders: number;
  /** What the process takes for it, in KiB. */
  memory: number;
}

const [url = "", orders = "0"] = process.argv.slice(2);
const store = await openRecommendationsStore(url, createLogger({ name: "bench", level: "silent" }));
const training = new Training(store.interactions);
const before = process.resourceUsage().maxRSS;
const all = await cpuTimeOf(() => training.step());
await store.db.transaction().execute(async (transaction) => {
  for (let i = 0; i < Number(orders); i++) {
    const order = { kind: "bought", originId: `more-${i}`, userId: `reader-${i * 11}`, rating: 0, counts: true } as const;
    await noteChange(transaction, { ...order, bookIds: [1 + (i % 400)], happenedAt: new Date(), position: BigInt(i) });
  }
});
const learned: Learned = {
  all,
  orders: await cpuTimeOf(() => training.step()),
  memory: process.resourceUsage().maxRSS - before,
};
await store.close();
process.stdout.write(JSON.stringify(learned));

async function cpuTimeOf(work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}
