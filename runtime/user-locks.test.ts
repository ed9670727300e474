import { openDatabase } from "../runtime/database.ts";
import { testDatabase } from "../test/support/database.ts";
import { createLogger } from "./logger.ts";
import {
  isUserDeleted,
  lockDeletedUser,
  lockKnownUser,
  lockUser,
  lockUsers,
  type UserLockSchema,
  userLockTables,
} from "./user-locks.ts";

/** A store with nothing but the locks. */
async function openStore() {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await testDatabase());
  const logger = createLogger({ name: "test", level: "silent" });
  const { db, close } = await openDatabase<UserLockSchema>({ url, migrations: { "0001-user-locks": userLockTables }, logger });
  stack.defer(close);
  const owned = stack.move();
  const transact = db.transaction().execute.bind(db.transaction());
  return { db, transact, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test("tells who is deleted, whoever was here before", async () => {
  await using store = await openStore();
  const { db, transact } = store;
  await transact((transaction) => lockUser(transaction, "ada"));

  for (const userId of ["ada", "grace", "ada"]) await transact((transaction) => lockDeletedUser(transaction, userId));

  expect(await transact((transaction) => lockUser(transaction, "ada"))).toBe(false);
  expect(await transact((transaction) => lockUsers(transaction, ["linus", "ada", "alan", "grace", "alan"]))).toEqual(
    new Set(["alan", "linus"]),
  );
  expect(await Promise.all(["ada", "alan", "nobody"].map((userId) => isUserDeleted(db, userId)))).toEqual([true, false, false]);
  await expect(transact((transaction) => lockKnownUser(transaction, "grace"))).rejects.toMatchObject({
    kind: "not-found",
    reason: "USER_NOT_REGISTERED",
  });
  await transact((transaction) => lockKnownUser(transaction, "alan"));
});

test("has whoever deletes a user wait for those who write, and find what they have written", async () => {
  await using store = await openStore();
  const order: string[] = [];
  const writing = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  const writer = store.transact(async (transaction) => {
    await lockUser(transaction, "ada");
    writing.resolve();
    await written.promise;
    order.push("written");
  });
  await writing.promise;

  const deletion = store.transact(async (transaction) => {
    await lockDeletedUser(transaction, "ada");
    order.push("deleted");
  });
  setImmediate(written.resolve);
  await Promise.all([writer, deletion]);

  expect(order).toEqual(["written", "deleted"]);
});

test("deletes nobody who has no id", async () => {
  await using store = await openStore();

  await expect(store.transact((transaction) => lockDeletedUser(transaction, ""))).rejects.toThrow("does not say which user");
});
