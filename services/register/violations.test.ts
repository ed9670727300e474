import { Status } from "nice-grpc";
import { startRegister } from "../../test/support/service.ts";

const ADA = { email: "ada@example.com", name: "Ada", language: "en", country: "GB" };
const A_HUNDRED = `${"a".repeat(88)}@example.com`;

test("names every field of a registration that is wrong, in one answer", async () => {
  await using register = await startRegister();

  const request = { email: "not an address", name: "", language: "x".repeat(36), country: "y".repeat(61), password: "short" };
  await expect(register.client.register(request)).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [
      { field: "email", description: "must be an e-mail address" },
      { field: "name", description: "is required" },
      { field: "language", description: "must be at most 35 characters long" },
      { field: "country", description: "must be at most 60 characters long" },
      { field: "password", description: "must be at least 8 characters long" },
    ],
  });
});

test("refuses an empty registration for both fields that are required", async () => {
  await using register = await startRegister();

  await expect(register.client.register({})).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [
      { field: "email", description: "is required" },
      { field: "name", description: "is required" },
    ],
  });
});

test.each([
  ["email", `a${A_HUNDRED}`, "must be at most 100 characters long"],
  ["email", "ada@", "must be an e-mail address"],
  ["email", "ada@example.com\nbcc: all@example.com", "must be an e-mail address"],
  ["name", "😀".repeat(101), "must be at most 100 characters long"],
  ["name", " \t\u00a0 ", "is required"],
  ["name", "Ada\0Lovelace", "must not contain NUL"],
  ["password", "x".repeat(129), "must be at most 128 characters long"],
])("refuses a registration whose %s is %j", async (field, value, description) => {
  await using register = await startRegister();

  await expect(register.client.register({ ...ADA, [field]: value })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field, description }],
  });
  expect((await register.client.listUsers({})).users).toEqual([]);
});

test("takes every field at its longest", async () => {
  await using register = await startRegister();
  const longest = { email: A_HUNDRED, name: "n".repeat(100), language: "l".repeat(35), country: "ç".repeat(60) };

  await expect(register.client.register({ ...longest, password: "p".repeat(128) })).resolves.toMatchObject({ user: longest });
});

test("names every field of a change that is wrong, and changes nothing", async () => {
  await using register = await startRegister();
  const { user } = await register.client.register(ADA);
  const userId = user?.id ?? "";

  await expect(register.client.updateUser({ userId, email: "nowhere", name: "", country: "z".repeat(61) })).rejects.toMatchObject(
    {
      code: Status.INVALID_ARGUMENT,
      violations: [
        { field: "email", description: "must be an e-mail address" },
        { field: "name", description: "must not be empty" },
        { field: "country", description: "must be at most 60 characters long" },
      ],
    },
  );
  expect((await register.client.getUser({ userId })).user).toEqual(user);
});

test.each(["getUser", "updateUser", "deleteUser"] as const)("refuses %s without an id", async (method) => {
  await using register = await startRegister();

  await expect(register.client[method]({})).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "user_id", description: "is required" }],
  });
});
