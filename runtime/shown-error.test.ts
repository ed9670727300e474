import { inspect } from "node:util";
import { LogLines } from "../test/support/log-lines.ts";
import { createLogger } from "./logger.ts";
import { bareError } from "./shown-error.ts";

/** As node-postgres throws it. */
function uniqueViolation(): Error {
  return Object.assign(new Error('duplicate key value violates unique constraint "users_email_key"'), {
    ...{ severity: "ERROR", code: "23505", table: "users", constraint: "users_email_key" },
    detail: "Key (email)=(ada@example.com) already exists.",
    where: "COPY users, line 1: ada@example.com",
    row: { email: "ada@example.com" },
  });
}

/** Everything that can become of an error that holds data. */
const errors: [string, () => unknown][] = [
  ["an error of the store", uniqueViolation],
  ["what it has caused", () => new Error("cannot go on", { cause: uniqueViolation() })],
  ["one of several errors", () => new AggregateError([uniqueViolation()], "all have failed")],
  ["an address that cannot be read", () => thrownBy(() => new URL("postgres://ada@example.com:secret@:x"))],
  ["no error at all", () => ({ email: "ada@example.com" })],
  ["a text", () => "ada@example.com"],
];

function thrownBy(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

test.each(errors)("the log shows nothing of the data in %s", (_what, make) => {
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "info", destination: logs });

  logger.error({ err: make() }, "failed");

  expect(logs.all).toMatchObject([{ msg: "failed", err: { type: expect.any(String), message: expect.any(String) } }]);
  expect(JSON.stringify(logs.all)).not.toContain("ada");
});

test("the log says what kind of error it was, where, and of which table", () => {
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "info", destination: logs });

  logger.error({ err: new AggregateError([uniqueViolation()], "all have failed") }, "failed");

  const one = {
    type: "Error",
    stack: expect.stringContaining("uniqueViolation"),
    code: "23505",
    table: "users",
    severity: "ERROR",
  };
  expect(logs.all).toMatchObject([{ err: { type: "AggregateError", message: "all have failed", aggregateErrors: [one] } }]);
});

test("a bare error has nothing left that Node would print with it", () => {
  const bare = bareError(new Error("cannot open the store", { cause: uniqueViolation() }));

  expect(inspect(bare)).toContain("23505");
  expect(inspect(bare)).not.toContain("ada");
});
