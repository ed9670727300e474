// A replica of push that stores Notifications as fast as it can when it is told
// to. Started with the store, a user and a number as arguments.
import { createLogger } from "../../runtime/logger.ts";
import { openPushStore } from "./store.ts";

const [url = "", userId = "", count = "0"] = process.argv.slice(2);
const store = await openPushStore(url, createLogger({ name: "replica", level: "silent" }));

process.once("message", async () => {
  const appended = await Promise.all(
    Array.from({ length: Number(count) }, () => store.append(userId, { content: "hello", language: "" }, new Date())),
  );
  await store.close();
  process.send?.(
    appended.map(({ id }) => id),
    () => process.disconnect(),
  );
});
process.send?.("ready");
