import { type Kysely, sql } from "kysely";
import { isStoreUnavailable, openDatabase } from "../../runtime/database.ts";
import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../support/database.ts";

/** Ends the connection of a transaction as a server does that is stopped, from outside of it. @returns what its next query fails by. */
async function failureAfterLoss(db: Kysely<unknown>): Promise<unknown> {
  return db.transaction().execute(async (transaction) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction);
    await sql`select pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(db);
    // Time for the client to hear of it.
    for (let i = 0; i < 3; i++) await sql`select 1`.execute(db);
    return sql`select 1`.execute(transaction).catch((error: unknown) => error);
  });
}

test("a connection that is lost between two queries of a transaction says that the store is away", async () => {
  await using database = await testDatabase();
  const logger = createLogger({ name: "test", level: "silent" });
  const { db, close } = await openDatabase<unknown>({ url: database.url, migrations: {}, logger });

  const error = await failureAfterLoss(db).catch((thrown: unknown) => thrown);
  await close();

  expect((error as Error).message).toMatch(/is not queryable$/);
  expect(isStoreUnavailable(error)).toBe(true);
});
