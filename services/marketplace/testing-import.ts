// A process that imports the same hundred Books as its sibling when it is told to.
// Started with the store as its argument.
import { createLogger } from "../../runtime/logger.ts";
import { openMarketplaceStore } from "./store.ts";
import { newBooks } from "./testing.ts";

const store = await openMarketplaceStore(process.argv[2] ?? "", createLogger({ name: "import", level: "silent" }));

process.once("message", async () => {
  const outcomes = await store.add(newBooks(100));
  await store.close();
  process.send?.(outcomes, () => process.disconnect());
});
process.send?.("ready");
