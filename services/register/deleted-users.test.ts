import { Status } from "nice-grpc";
import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import { openDatabase } from "../../runtime/database.ts";
import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../../test/support/database.ts";
import { startRegister } from "../../test/support/service.ts";
import type { Schema } from "./schema.ts";
import { migrations, openRegisterStore, type RegisterStore } from "./store.ts";

const PROFILE = { name: "Ada", language: "en", country: "GB" };
const logger = createLogger({ name: "test", level: "silent" });

/** Who was deleted, as others are told: the subject and the data of each event. */
async function told({ log }: Pick<RegisterStore, "log">): Promise<[string, UserDeleted][]> {
  const { value } = await log.follow({ afterPosition: 0 }, new AbortController().signal).next();
  return value.events.map(({ type, subject, data }) => {
    expect(type).toBe("bookstore.events.v1.UserDeleted");
    return [subject, UserDeleted.decode(data)];
  });
}

test("tells of each user who is deleted, once, and of nobody else", async () => {
  await using register = await startRegister();
  const { client, store } = register;
  const [ada, , grace] = await Promise.all(
    ["ada", "alan", "grace"].map(async (name) => {
      const { user } = await client.register({ ...PROFILE, email: `${name}@example.com` });
      return String(user?.id);
    }),
  );

  await client.deleteUser({ userId: String(ada) });
  await client.deleteUser({ userId: String(grace) });
  await expect(client.deleteUser({ userId: String(ada) })).rejects.toMatchObject({ code: Status.NOT_FOUND });

  expect(await told(store)).toEqual([
    [`users/${ada}`, { userId: ada }],
    [`users/${grace}`, { userId: grace }],
  ]);
});

test("tells once of a user whom several calls delete at the same moment", async () => {
  await using register = await startRegister();
  const { user } = await register.client.register({ ...PROFILE, email: "ada@example.com" });
  const userId = String(user?.id);

  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => register.client.deleteUser({ userId })));

  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await told(register.store)).toHaveLength(1);
});

test("deletes a user only together with the news of it", async () => {
  await using register = await startRegister();
  const { user } = await register.client.register({ ...PROFILE, email: "ada@example.com" });
  const userId = String(user?.id);
  const { db, close } = await openDatabase<Schema>({ url: register.url, migrations, logger });
  await db.schema.alterTable("event_log").renameTo("elsewhere").execute();

  await expect(register.client.deleteUser({ userId })).rejects.toMatchObject({ code: Status.INTERNAL });
  expect((await register.client.getUser({ userId })).user?.id).toBe(userId);

  await db.schema.alterTable("elsewhere").renameTo("event_log").execute();
  await close();
  await register.client.deleteUser({ userId });
  expect(await told(register.store)).toHaveLength(1);
});

test("tells of those who were deleted before anybody was told", async () => {
  await using database = await testDatabase();
  const { "0001-users": users, "0002-sessions": sessions } = migrations;
  const before = await openDatabase<Schema>({
    ...database,
    migrations: { "0001-users": users, "0002-sessions": sessions },
    logger,
  });
  const ids = Array.from({ length: 2_500 }, (_, i) => String(7_000_000 + i));
  for (let i = 0; i < ids.length; i += 500) {
    await before.db
      .insertInto("user_ids")
      .values(ids.slice(i, i + 500).map((id) => ({ id })))
      .execute();
  }
  const account = { ...PROFILE, email: "ada@example.com", email_key: "ada@example.com", password_hash: null };
  await before.db
    .insertInto("users")
    .values({ id: "7000001", ...account, created_at_ms: 1, administrator: 0 })
    .execute();
  await before.close();

  const store = await openRegisterStore(database.url, logger);
  const deleted: string[] = [];
  for await (const { events, position, lastPosition } of store.log.follow({ afterPosition: 0 }, new AbortController().signal)) {
    deleted.push(...events.map(({ data }) => UserDeleted.decode(data).userId));
    if (position === lastPosition) break;
  }
  await store.delete("7000001");
  await store.close();

  expect(deleted).toEqual(ids.filter((id) => id !== "7000001"));
});
