import { Status } from "nice-grpc";
import { startRegister } from "../../test/support/service.ts";

const PROFILE = { name: "Ada", language: "en", country: "GB" };

/** A source of random numbers that gives these, and writes down what it was asked for. */
function scripted(numbers: (min: number) => number) {
  const asked: [number, number][] = [];
  const randomInt = (min: number, max: number) => {
    asked.push([min, max]);
    return numbers(min);
  };
  return { asked, randomInt };
}

test("gives ids from 7000000 to 9999999", async () => {
  const { asked, randomInt } = scripted((min) => min);
  await using register = await startRegister({ randomInt });

  const { user } = await register.client.register({ ...PROFILE, email: "first@example.com" });

  expect(user?.id).toBe("7000000");
  expect(asked).toEqual([[7_000_000, 10_000_000]]);
});

test("takes another id when the first one is taken", async () => {
  const numbers = [7_434_029, 7_434_029, 7_434_029, 9_999_999];
  await using register = await startRegister({ randomInt: () => numbers.shift() ?? 0 });
  const { user: first } = await register.client.register({ ...PROFILE, email: "first@example.com" });

  const { user: second } = await register.client.register({ ...PROFILE, email: "second@example.com" });

  expect([first?.id, second?.id]).toEqual(["7434029", "9999999"]);
  expect((await register.client.getUser({ userId: "7434029" })).user).toMatchObject({ email: "first@example.com" });
});

test("goes on to ids of eight digits when those of seven are scarce", async () => {
  const { asked, randomInt } = scripted((min) => min);
  await using register = await startRegister({ randomInt });
  await register.client.register({ ...PROFILE, email: "first@example.com" });
  asked.length = 0;

  const { user } = await register.client.register({ ...PROFILE, email: "second@example.com" });

  expect(user?.id).toBe("10000000");
  expect(asked).toEqual([...Array.from({ length: 20 }, () => [7_000_000, 10_000_000]), [10_000_000, 100_000_000]]);
});

test("says UNAVAILABLE rather than take the id of another", async () => {
  await using register = await startRegister({ randomInt: () => 7_000_000 });
  const { user } = await register.client.register({ ...PROFILE, email: "first@example.com" });

  await expect(register.client.register({ ...PROFILE, email: "second@example.com" })).rejects.toMatchObject({
    code: Status.UNAVAILABLE,
  });
  expect((await register.client.listUsers({})).users).toEqual([user]);
});
