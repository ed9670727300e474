import { InvalidArgumentError } from "commander";
import { parseName, parseNames, parseSettle, parseValidity } from "./certs-arguments.ts";

test("reads names of services and people", () => {
  expect(parseName("operator")).toBe("operator");
  expect(parseNames("b", parseNames("a-1"))).toEqual(["a-1", "b"]);
});

test.each(["", "Alice", "1st", "a/b", "..", "a.b", "a b", "a".repeat(64)])("refuses %j as a name", (name) => {
  expect(() => parseName(name)).toThrow(InvalidArgumentError);
});

test("reads times", () => {
  expect(["1m", "90m", "24h", "90d"].map(parseValidity)).toEqual([60_000, 5_400_000, 86_400_000, 7_776_000_000]);
  expect(["0s", "30s", "24h"].map(parseSettle)).toEqual([0, 30_000, 86_400_000]);
});

test.each(["", "24", "h", "-1h", "1.5h", "59s", "91d", "1w", "1e9h"])(
  "refuses %j as the time that a certificate is good for",
  (time) => {
    expect(() => parseValidity(time)).toThrow("Expected 90m, 24h or 7d: from 1m to 90d.");
  },
);
