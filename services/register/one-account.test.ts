import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Status } from "nice-grpc";
import { testDatabase } from "../../test/support/database.ts";
import { startRegister } from "../../test/support/service.ts";
import type { RacerMessage } from "./testing.ts";

const PROFILE = { name: "Ada", language: "en", country: "GB" };
const TAKEN = { code: Status.ALREADY_EXISTS, details: "already registered.", reason: "EMAIL_TAKEN" };

test.each([2, 50])("makes one account of %d registrations of one address at the same moment", async (count) => {
  await using register = await startRegister();
  const spellings = ["ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.Com"];
  const calls = Array.from({ length: count }, (_, i) =>
    register.client.register({ ...PROFILE, email: spellings[i % spellings.length] ?? "" }),
  );

  const outcomes = await Promise.allSettled(calls);

  const ids = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value.user?.id] : []));
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  expect(ids).toHaveLength(1);
  expect(failures).toEqual(Array.from({ length: count - 1 }, () => expect.objectContaining(TAKEN)));
  expect((await register.client.listUsers({})).users.map(({ id }) => id)).toEqual(ids);
});

test("makes one account when two processes register one address at the same moment", async () => {
  await using database = await testDatabase();
  const racers = ["race@example.com", "RACE@example.com"].map((email) =>
    fork(fileURLToPath(new URL("./testing.ts", import.meta.url)), [database.url, email], { execArgv: [] }),
  );
  const said = async (racer: (typeof racers)[number]): Promise<RacerMessage> => (await once(racer, "message"))[0];
  expect(await Promise.all(racers.map(said))).toEqual(["ready", "ready"]);

  const outcomes = racers.map(said);
  const exits = racers.map((racer) => once(racer, "exit"));
  for (const racer of racers) racer.send("go");

  expect(await Promise.all(outcomes)).toEqual(
    expect.arrayContaining([{ outcome: "registered" }, { outcome: "already registered." }]),
  );
  expect((await Promise.all(exits)).map(([status]) => status)).toEqual([0, 0]);
  await using register = await startRegister({ url: database.url });
  expect((await register.client.listUsers({})).users).toHaveLength(1);
});

test("does not say whose address it is", async () => {
  await using register = await startRegister();
  await register.client.register({ ...PROFILE, email: "ada@example.com" });

  const again = register.client.register({ ...PROFILE, email: "ada@example.com" });

  await expect(again).rejects.toHaveProperty("reason", "EMAIL_TAKEN");
  await expect(again).rejects.toHaveProperty("metadata", {});
});

test("names the existing account to a caller who may know it", async () => {
  await using register = await startRegister();
  const { user } = await register.client.register({ ...PROFILE, email: "ada@example.com" });

  await expect(register.client.register({ ...PROFILE, email: "ADA@example.com" })).rejects.toMatchObject(TAKEN);

  const found = await register.client.checkRegistered({ key: { $case: "email", value: "ADA@example.com" } });
  expect(found.user?.id).toBe(user?.id);
});

test("never gives the id of a deleted user to somebody else", async () => {
  let drawn = 0;
  // The first id twice, then another.
  await using register = await startRegister({ randomInt: () => 7_000_000 + Math.max(0, drawn++ - 1) });
  const { user } = await register.client.register({ ...PROFILE, email: "ada@example.com" });
  await register.client.deleteUser({ userId: String(user?.id) });

  const again = await register.client.register({ ...PROFILE, email: "ada@example.com" });

  expect([user?.id, again.user?.id]).toEqual(["7000000", "7000001"]);
});

test("makes different accounts for different addresses at the same moment", async () => {
  await using register = await startRegister();
  const emails = Array.from({ length: 50 }, (_, i) => `reader${i}@example.com`);

  const users = await Promise.all(emails.map((email) => register.client.register({ ...PROFILE, email })));

  expect(new Set(users.map(({ user }) => user?.id)).size).toBe(50);
});
