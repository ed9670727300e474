import { InvalidArgumentError } from "commander";
import { parseAbort, parseDelay, parsePercent, parsePolicy, parseShare } from "./traffic-arguments.ts";

test("reads shares one after the other", () => {
  expect(parseShare("v2=10", parseShare("v1=90"))).toEqual([
    { version: "v1", percent: 90 },
    { version: "v2", percent: 10 },
  ]);
});

test.each([
  ["200ms", 200],
  ["1.5s", 1_500],
  ["0.5ms", 0.5],
  ["60s", 60_000],
])("a delay of %s is %d ms", (text, ms) => {
  expect(parseDelay(text)).toBe(ms);
});

test("takes the name of a status in any case, and the name of a policy", () => {
  expect([parseAbort("UNAVAILABLE"), parseAbort("not_found")]).toEqual([14, 5]);
  expect([parsePolicy("round-robin"), parsePolicy("least-request")]).toEqual([1, 6]);
  expect([parsePercent("1"), parsePercent("100")]).toEqual([1, 100]);
});

test.each([
  [parseShare, ["v1", "v1=", "=90", "v1=101", "v1=9.5", "v1=-1", "v1=90%"]],
  [parseDelay, ["", "200", "200 ms", "0ms", "-1s", "60.1s", "1m", "1.s", "1e3ms"]],
  [parsePercent, ["", "0", "101", "2.5", "20%", "-1"]],
  [parseAbort, ["", "OK", "14", "-1", "UNRECOGNIZED", "GONE"]],
  [parsePolicy, ["", "toString", "ROUND_ROBIN"]],
] as const)("%p takes nothing else", (parse: (text: string) => unknown, texts) => {
  for (const text of texts) expect(() => parse(text)).toThrow(InvalidArgumentError);
});
