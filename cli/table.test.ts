import { table } from "./table.ts";

const columns = [{ title: "NAME" }, { title: "ZONE" }, { title: "MS", align: "right" }] as const;

test("puts text to the left and numbers to the right of columns that are as wide as they have to be", () => {
  const rows = [
    ["push", "a", "1.5"],
    ["recommendations", "", "12.0"],
  ];

  expect(table(columns, rows)).toEqual([
    "NAME             ZONE    MS",
    "push             a      1.5",
    "recommendations        12.0",
  ]);
});

test("leaves out a column that says nothing", () => {
  expect(table(columns, [["push", "", "1"]])).toEqual(["NAME  MS", "push   1"]);
});

test("does not count colours", () => {
  const red = "\u001b[31mbad\u001b[39m";

  expect(table(columns, [[red, "a", "1"]])).toEqual(["NAME  ZONE  MS", `${red}   a      1`]);
});
