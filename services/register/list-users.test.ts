import { Metadata, Status } from "nice-grpc";
import type { RegisterClient } from "../../clients/register.ts";
import { encodePageToken } from "../../runtime/page-token.ts";
import { CALLER_HEADER } from "../../test/support/plaintext.ts";
import { startRegister } from "../../test/support/service.ts";

const REFUSED = {
  code: Status.INVALID_ARGUMENT,
  violations: [{ field: "page_token", description: "must be one that this method gave for the same request" }],
};

/** Registers users "0", "1", "2" … one after another. */
async function registerMany(client: RegisterClient, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await client.register({ email: `reader${i}@example.com`, name: String(i), language: "", country: "" });
  }
}

/** The names on each page. */
async function pages(client: RegisterClient, pageSize: number): Promise<string[][]> {
  const found: string[][] = [];
  let pageToken = "";
  do {
    const page = await client.listUsers({ pageSize, pageToken });
    found.push(page.users.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
}

test("lists nobody on one empty page when nobody is registered", async () => {
  await using register = await startRegister();

  expect(await pages(register.client, 10)).toEqual([[]]);
});

test("lists the oldest account first, page by page", async () => {
  let second = 0;
  await using register = await startRegister({ now: () => new Date(Date.UTC(2030, 0, 1, 0, 0, second++)) });
  await registerMany(register.client, 7);

  expect(await pages(register.client, 3)).toEqual([["0", "1", "2"], ["3", "4", "5"], ["6"]]);
  expect(await pages(register.client, 7)).toEqual([["0", "1", "2", "3", "4", "5", "6"]]);
});

test("lists accounts of the same millisecond by id, each once", async () => {
  const ids = [7_000_005, 7_000_001, 7_000_004, 7_000_002, 7_000_003];
  await using register = await startRegister({ now: () => new Date(0), randomInt: () => ids.shift() ?? 0 });
  await registerMany(register.client, 5);

  expect(await pages(register.client, 2)).toEqual([["1", "3"], ["4", "2"], ["0"]]);
});

test("puts 20 users on a page when the size is not said", async () => {
  await using register = await startRegister();
  await registerMany(register.client, 21);

  expect((await pages(register.client, 0)).map((page) => page.length)).toEqual([20, 1]);
});

test("goes on behind a user who was deleted meanwhile", async () => {
  let second = 0;
  await using register = await startRegister({ now: () => new Date(Date.UTC(2030, 0, 1, 0, 0, second++)) });
  await registerMany(register.client, 4);
  const { users, nextPageToken } = await register.client.listUsers({ pageSize: 2 });

  await register.client.deleteUser({ userId: users[1]?.id ?? "" });

  const next = await register.client.listUsers({ pageSize: 2, pageToken: nextPageToken });
  expect(next.users.map(({ name }) => name)).toEqual(["2", "3"]);
});

test.each([-1, 101])("refuses pages of %d users", async (pageSize) => {
  await using register = await startRegister();

  await expect(register.client.listUsers({ pageSize })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "page_size", description: "must be 0 to 100" }],
  });
});

test.each([
  ["another method", encodePageToken([1], { userId: "7434029", unreadOnly: false })],
  ["another shape", encodePageToken([1], "users")],
  ["other types", encodePageToken(["1", 2], "users")],
  ["a time before all times", encodePageToken([-1, "7434029"], "users")],
  ["half a millisecond", encodePageToken([0.5, "7434029"], "users")],
  ["no base64", "%%%"],
  ["no JSON", Buffer.from("{[").toString("base64url")],
  ["no list", Buffer.from('{"a":1}').toString("base64url")],
  ["null", Buffer.from("null").toString("base64url")],
  ["a statement of SQL", "' OR 1=1 --"],
])("refuses a page token of %s", async (_what, pageToken) => {
  await using register = await startRegister();
  await registerMany(register.client, 1);

  await expect(register.client.listUsers({ pageToken })).rejects.toMatchObject(REFUSED);
});

test("lists the ids alone, page by page, for orders alone", async () => {
  let second = 0;
  await using register = await startRegister({ now: () => new Date(Date.UTC(2030, 0, 1, 0, 0, second++)) });
  await registerMany(register.client, 5);
  const { users } = await register.client.listUsers({});
  const metadata = Metadata({ [CALLER_HEADER]: "orders" });

  const first = await register.client.listUserIds({ pageSize: 3 }, { metadata });
  const rest = await register.client.listUserIds({ pageSize: 3, pageToken: first.nextPageToken }, { metadata });

  expect([...first.userIds, ...rest.userIds]).toEqual(users.map(({ id }) => id));
  expect(rest.nextPageToken).toBe("");
  await expect(register.client.listUsers({ pageToken: first.nextPageToken })).rejects.toMatchObject(REFUSED);
  await expect(register.client.listUserIds({})).rejects.toMatchObject({ code: Status.PERMISSION_DENIED });
});
