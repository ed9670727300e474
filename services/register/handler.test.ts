import { Status } from "nice-grpc";
import type { RegisterClient } from "../../clients/register.ts";
import type { User } from "../../gen/bookstore/register/v1/register_service.ts";
import { startRegister } from "../../test/support/service.ts";

const ADA = { email: "Ada@Example.com", name: "Ada Lovelace", language: "en-GB", country: "GB" };
const GRACE = { email: "grace@example.com", name: "Grace Hopper", language: "en", country: "US" };

const NO_SUCH_USER = { code: Status.NOT_FOUND, details: "no such user", reason: "USER_NOT_FOUND" };

async function registered(client: RegisterClient, profile: typeof ADA): Promise<User> {
  const { user } = await client.register(profile);
  if (user === undefined) throw new Error("no user in the response");
  return user;
}

test("registers a user under an id of seven digits and tells what it has stored", async () => {
  const now = new Date("2031-12-31T23:59:59.123Z");
  await using register = await startRegister({ now: () => now });

  const user = await registered(register.client, ADA);

  expect(user).toEqual({ ...ADA, id: expect.stringMatching(/^[7-9]\d{6}$/), createTime: now });
});

test("checks by id and by address in any case, and finds nobody where nobody is", async () => {
  await using register = await startRegister();
  const user = await registered(register.client, ADA);
  const check = async (key: { $case: "userId" | "email"; value: string }) =>
    (await register.client.checkRegistered({ key })).user;

  expect(await check({ $case: "userId", value: user.id })).toEqual(user);
  expect(await check({ $case: "email", value: "Ada@Example.com" })).toEqual(user);
  expect(await check({ $case: "email", value: "aDA@eXAMPLE.COM" })).toEqual(user);
  expect(await check({ $case: "userId", value: "1" })).toBeUndefined();
  expect(await check({ $case: "email", value: "nobody@example.com" })).toBeUndefined();
});

test("refuses a check without a key", async () => {
  await using register = await startRegister();

  await expect(register.client.checkRegistered({})).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "key", description: "is required: user_id or email" }],
  });
});

test("gets a user by id", async () => {
  await using register = await startRegister();
  const ada = await registered(register.client, ADA);
  await registered(register.client, GRACE);

  expect((await register.client.getUser({ userId: ada.id })).user).toEqual(ada);
});

test("changes the fields that are given and leaves the others as they are", async () => {
  await using register = await startRegister();
  const ada = await registered(register.client, ADA);
  const update = async (changes: object) => (await register.client.updateUser({ userId: ada.id, ...changes })).user;

  expect(await update({ name: " Countess of Lovelace " })).toEqual({ ...ada, name: "Countess of Lovelace" });
  // Set to nothing is not the same as not set.
  expect(await update({ country: "" })).toEqual({ ...ada, name: "Countess of Lovelace", country: "" });
  expect(await update({ email: "ada@example.org" })).toMatchObject({ email: "ada@example.org", language: "en-GB" });
  expect(await update({})).toEqual((await register.client.getUser({ userId: ada.id })).user);
});

test("moves the account along with a changed address", async () => {
  await using register = await startRegister();
  const ada = await registered(register.client, ADA);

  await register.client.updateUser({ userId: ada.id, email: "countess@example.com" });

  const byOld = await register.client.checkRegistered({ key: { $case: "email", value: ADA.email } });
  const byNew = await register.client.checkRegistered({ key: { $case: "email", value: "COUNTESS@example.com" } });
  expect([byOld.user?.id, byNew.user?.id]).toEqual([undefined, ada.id]);
});

test("lets a user change the case of their own address, but not take the address of another", async () => {
  await using register = await startRegister();
  const ada = await registered(register.client, ADA);
  const grace = await registered(register.client, GRACE);

  await expect(register.client.updateUser({ userId: ada.id, email: "ADA@EXAMPLE.COM" })).resolves.toMatchObject({
    user: { email: "ADA@EXAMPLE.COM" },
  });
  const taking = register.client.updateUser({ userId: ada.id, email: "GRACE@example.com" });
  await expect(taking).rejects.toMatchObject({ code: Status.ALREADY_EXISTS, reason: "EMAIL_TAKEN" });
  await expect(taking).rejects.toHaveProperty("metadata", {});
  expect((await register.client.getUser({ userId: grace.id })).user).toEqual(grace);
});

test("deletes a user once, and frees the address", async () => {
  await using register = await startRegister();
  const ada = await registered(register.client, ADA);

  await register.client.deleteUser({ userId: ada.id });

  await expect(register.client.deleteUser({ userId: ada.id })).rejects.toMatchObject(NO_SUCH_USER);
  await expect(register.client.register(ADA)).resolves.toMatchObject({ user: { email: ADA.email } });
});

test.each(["getUser", "updateUser", "deleteUser"] as const)("says NOT_FOUND when %s is asked about nobody", async (method) => {
  await using register = await startRegister();

  await expect(register.client[method]({ userId: "7000000" })).rejects.toMatchObject(NO_SUCH_USER);
});

test.each([
  ["an emoji made of several", "Zoë 👩‍👩‍👧‍👦 Ng"],
  ["quotes and a statement of SQL", `Robert'); DROP TABLE users; -- "quoted" \`ticked\``],
  ["wildcards and escapes", "100% _ \\ %s {name} \\u0000"],
  ["another script", "محمد 三毛 Владимир"],
  ["as many characters as are allowed, each two UTF-16 units long", "😀".repeat(100)],
])("keeps a name with %s as it is", async (_what, name) => {
  await using register = await startRegister();

  const { id } = await registered(register.client, { ...ADA, name, country: name.slice(0, 20) });

  expect((await register.client.getUser({ userId: id })).user).toMatchObject({ name, country: name.slice(0, 20) });
  expect((await register.client.listUsers({})).users).toHaveLength(1);
});

test.each(["' OR '1'='1", "%", "_______", "7000000; DROP TABLE users"])("finds nobody by the id %s", async (userId) => {
  await using register = await startRegister();
  await registered(register.client, ADA);

  await expect(register.client.getUser({ userId })).rejects.toMatchObject(NO_SUCH_USER);
  await expect(register.client.deleteUser({ userId })).rejects.toMatchObject(NO_SUCH_USER);
  expect((await register.client.listUsers({})).users).toHaveLength(1);
});

test("tells of no more addresses than somebody mistypes whether they have accounts", async () => {
  let now = Date.now();
  await using register = await startRegister({ now: () => new Date(now) });
  const ada = await registered(register.client, ADA);
  await registered(register.client, GRACE);
  const tryOne = () => register.client.updateUser({ userId: ada.id, email: GRACE.email });
  for (let i = 0; i < 10; i++) await expect(tryOne()).rejects.toMatchObject({ reason: "EMAIL_TAKEN" });

  await expect(tryOne()).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED, reason: "TOO_MANY_ATTEMPTS" });
  expect((await register.client.updateUser({ userId: ada.id, name: "Ada" })).user?.name).toBe("Ada");

  now += 6 * 60_000;
  await expect(tryOne()).rejects.toMatchObject({ reason: "EMAIL_TAKEN" });
});
