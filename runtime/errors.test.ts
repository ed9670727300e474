import { Failure, invalidField } from "./errors.ts";

test("is an error with a kind and a message, and tells nothing more by default", () => {
  const failure = new Failure("not-found", "no such book");

  expect(failure).toBeInstanceOf(Error);
  expect(failure).toMatchObject({
    name: "Failure",
    kind: "not-found",
    message: "no such book",
    reason: undefined,
    metadata: {},
    violations: [],
    retryAfterMs: undefined,
  });
});

test("keeps what led to it for the log", () => {
  const cause = new Error("UNIQUE constraint failed");

  expect(new Failure("conflict", "taken", { cause }).cause).toBe(cause);
});

test("can be about one field", () => {
  expect(invalidField("email", "must be an e-mail address")).toMatchObject({
    kind: "invalid",
    message: "email must be an e-mail address",
    violations: [{ field: "email", description: "must be an e-mail address" }],
  });
});
