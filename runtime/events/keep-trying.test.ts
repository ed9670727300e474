import { keepTrying } from "./keep-trying.ts";

let now: number;
let waits: number[];
let told: string[];
beforeEach(() => {
  now = 0;
  waits = [];
  told = [];
});

/** Tries until there have been so many attempts, by a clock of its own. */
async function attempts(count: number, attempt: (begun: () => void) => void): Promise<void> {
  let left = count;
  await keepTrying({
    signal: new AbortController().signal,
    time: { now: () => new Date(now), random: () => 1, wait: async (ms) => void waits.push(ms) },
    async attempt(begun) {
      if (left-- === 0) return;
      attempt(begun);
      throw new Error("failed");
    },
    onAway: () => told.push("away"),
    onBack: () => told.push("back"),
  });
}

test("waits longer and longer for what fails each time as soon as it works", async () => {
  await attempts(5, (begun) => begun());

  expect(waits).toEqual([200, 400, 800, 1_600, 3_200]);
  expect(told).toEqual(["away", "back", "away", "back", "away", "back", "away", "back", "away"]);
});

test("begins with the shortest wait again once it has worked for a while", async () => {
  let count = 0;
  await attempts(6, (begun) => {
    if (count++ < 3) return;
    begun();
    begun();
    if (count === 5) now += 3_200;
  });

  expect(waits).toEqual([200, 400, 800, 1_600, 200, 400]);
});

test("says once that it is away, however often it fails", async () => {
  await attempts(4, () => {});

  expect(told).toEqual(["away"]);
});
