import { parseReplicas, versionsOf } from "./replicas.ts";
import type { Service } from "./services.ts";

const ports = { PORT: 0, ADMIN_PORT: 0 };
const push: Service = { name: "push", main: "", ports, stage: 0 };
const register: Service = { name: "register", main: "", ports, stage: 0 };
const table = [push, register];

test("takes any number of lists", () => {
  const groups = parseReplicas(["push=2,push@v2=1", "register=20"], table);

  expect(groups).toEqual([
    { service: push, version: undefined, count: 2 },
    { service: push, version: "v2", count: 1 },
    { service: register, version: undefined, count: 20 },
  ]);
});

test.each([
  [[], [undefined]],
  [["register=3"], [undefined]],
  [["push=2"], [undefined, undefined]],
  [["push@v2=1,push=2"], [undefined, undefined, "v2"]],
  [["push@v1=2,push@v2=1"], ["v1", "v1", "v2"]],
])("with %j push runs as %j", (lists, versions) => {
  expect(versionsOf(push, parseReplicas(lists, table))).toEqual(versions);
});

test.each([
  ["push", "push: expected <service>=<number> or <service>@<version>=<number>"],
  ["", ": expected <service>=<number> or <service>@<version>=<number>"],
  ["=2", "=2: expected <service>=<number> or <service>@<version>=<number>"],
  ["pusch=2", "pusch=2: there is no service pusch, only push, register"],
  ["push=0", 'push=0: expected a number from 1 to 20, not "0"'],
  ["push=21", 'push=21: expected a number from 1 to 20, not "21"'],
  ["push=two", 'push=two: expected a number from 1 to 20, not "two"'],
  ["push=", 'push=: expected a number from 1 to 20, not ""'],
  ["push@=1", 'push@=1: "" is not a version'],
  ["push@v 2=1", 'push@v 2=1: "v 2" is not a version'],
  ["push=1,push=2", "push=2: push is given twice"],
  ["push@v2=1,push@v2=1", "push@v2=1: push@v2 is given twice"],
])("refuses %j", (list, problem) => {
  expect(() => parseReplicas([list], table)).toThrow(`bad --replicas\n  ${problem}`);
});

test("lists everything that is wrong", () => {
  expect(() => parseReplicas(["push=0,x=1", "push"], table)).toThrow(/push=0: .*\n {2}x=1: .*\n {2}push: /);
});
