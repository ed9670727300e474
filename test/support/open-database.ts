/**
 * A process that opens the store that it is given, writes one row and ends.
 *
 * It says "ready" first and opens when it hears something, so that several of
 * them can be let go at the same moment.
 */
import { once } from "node:events";
import { openDatabase } from "../../runtime/database.ts";
import { createLogger } from "../../runtime/logger.ts";
import { type BookTable, migrations } from "./book-store.ts";

const [url = ""] = process.argv.slice(2);
process.send?.("ready");
await once(process, "message");
const { db, close } = await openDatabase<BookTable>({
  url,
  migrations,
  logger: createLogger({ name: "opener", level: "silent" }),
});
await db
  .insertInto("books")
  .values({ isbn: String(process.pid), title: "opened" })
  .execute();
await close();
process.disconnect();
