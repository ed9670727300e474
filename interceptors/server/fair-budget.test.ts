import { FairBudget } from "./fair-budget.ts";

test("gives one caller half, and keeps the rest for others", () => {
  const budget = new FairBudget(100);

  expect([budget.take("a", 30), budget.take("a", 21), budget.take("a", 20), budget.take("a", 1)]).toEqual([
    ...[true, false, true, false],
  ]);
  expect(budget.take("b", 25)).toBe(true);
  expect(budget.left).toBe(25);
});

test("has something for a newcomer, however many have come before", () => {
  const budget = new FairBudget(1_024);
  for (let i = 0; i < 5; i++) while (budget.take(`greedy-${i}`, 1));

  expect(budget.take("newcomer", 1)).toBe(true);
});

test("gives again what was given back, and forgets who has nothing", () => {
  const budget = new FairBudget(100);
  for (let i = 0; i < 1_000; i++) {
    expect(budget.take(`caller-${i}`, 50)).toBe(true);
    budget.give(`caller-${i}`, 20);
    budget.give(`caller-${i}`, 30);
  }

  expect(budget.left).toBe(100);
  expect(budget.callers).toBe(0);
});

test("says whether there is enough for a caller without taking it", () => {
  const budget = new FairBudget(100);

  expect([budget.has("one", 50), budget.has("one", 51)]).toEqual([true, false]);
  budget.take("one", 40);
  expect([budget.has("one", 10), budget.has("one", 11), budget.has("another", 30)]).toEqual([true, false, true]);
});
