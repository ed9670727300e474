import { ClientError, Status } from "nice-grpc-common";
import { Failure } from "../errors.ts";
import { inOneLine, isAway } from "./event-failures.ts";
import { retryDelayMs } from "./retry-delay.ts";

test.each([
  [new ClientError("/p.S/M", Status.UNAVAILABLE, "gone"), true],
  [new ClientError("/p.S/M", Status.DEADLINE_EXCEEDED, "slow"), true],
  [new ClientError("/p.S/M", Status.RESOURCE_EXHAUSTED, "busy"), true],
  [new ClientError("/p.S/M", Status.INTERNAL, "broken"), false],
  [new ClientError("/p.S/M", Status.NOT_FOUND, "no such user"), false],
  [new Failure("unavailable", "gone"), true],
  [new Failure("not-found", "none"), false],
  [Object.assign(new Error("gone"), { code: "57P01" }), true],
  [Object.assign(new Error("locked"), { errcode: 5 }), true],
  [Object.assign(new Error("deadlock detected"), { code: "40P01" }), true],
  [Object.assign(new Error("canceling statement due to statement timeout"), { code: "57014" }), true],
  [Object.assign(new Error("duplicate key"), { code: "23505" }), false],
  [new TypeError("undefined is no function"), false],
  ["nothing", false],
])("whether %s says that something is away: %s", (error, away) => {
  expect(isAway(error)).toBe(away);
});

test.each([
  [new ClientError("/p.S/M", Status.NOT_FOUND, "no such\n user"), "NOT_FOUND: no such user"],
  [new Failure("conflict", "it is there already"), "conflict: it is there already"],
  [new TypeError("cannot read ada@example.com"), "TypeError"],
  [
    Object.assign(new Error("Key (email)=(ada@example.com)"), { code: "23505", constraint: "users_email_key" }),
    "Error (23505, users_email_key)",
  ],
  [{ email: "ada@example.com" }, "something was thrown that is no error"],
  [new Failure("conflict", "x".repeat(400)), `conflict: ${"x".repeat(290)}…`],
])("%s is shown as %s", (error, line) => {
  expect(inOneLine(error)).toBe(line);
});

test("waits longer after each failure, never longer than half a minute, and at random", () => {
  expect([1, 2, 3, 10, 1_000].map((failures) => retryDelayMs(failures, () => 1))).toEqual([200, 400, 800, 30_000, 30_000]);
  expect(retryDelayMs(3, () => 0.25)).toBe(200);
  expect(retryDelayMs(3, () => 0)).toBe(0);
});
