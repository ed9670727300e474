import { createLogger } from "../../runtime/logger.ts";
import { openRecommendationsStore } from "../../services/recommendations/store.ts";
import { seededRandom } from "../../services/recommendations/testing.ts";
import { readCatalogue } from "./catalogue.ts";
import { inventPurchases } from "./readers.ts";

// Fills a store with what made-up readers buy, and says how much that was: what scale.ts measures with.

/** SQLite takes 32,766 parameters in a query. */
const ROWS_A_QUERY = 4_000;

const [url = "", readers, path] = process.argv.slice(2);
const store = await openRecommendationsStore(url, createLogger({ name: "bench", level: "silent" }));
const purchases = inventPurchases(readCatalogue(path), { readers: Number(readers), random: seededRandom(1) });
await store.db.transaction().execute(async (transaction) => {
  for (let start = 0; start < purchases.length; start += ROWS_A_QUERY) {
    const rows = purchases.slice(start, start + ROWS_A_QUERY).map(({ reader, bookId, day }, i) => ({
      ...{ kind: "bought" as const, origin_id: `order-${start + i}`, book_id: bookId, user_id: reader },
      ...{ rating: 0, counts: 1, happened_at_ms: Math.round(day * 86_400_000), revision: 1 },
    }));
    await transaction.insertInto("interactions").values(rows).execute();
  }
  await transaction.updateTable("interactions_head").set({ revision: 1 }).execute();
});
await store.close();
process.stdout.write(String(purchases.length));
