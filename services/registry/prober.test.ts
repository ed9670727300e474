import { setImmediate } from "node:timers/promises";
import { jest } from "@jest/globals";
import type { HealthReport } from "./catalog-entry.ts";
import type { Instance } from "./instance.ts";
import { Prober } from "./prober.ts";

const HEALTHY: HealthReport = { health: "healthy", problem: "" };
const SILENT: HealthReport = { health: "unavailable", problem: "no answer" };

beforeEach(() => jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick"] }));
afterEach(() => jest.useRealTimers());

function instance(id: string): Instance {
  return { id } as Instance;
}

/** A prober, and whoever it asks. */
function newProber(answer: (id: string) => HealthReport | Promise<HealthReport> = () => HEALTHY, random = 0.5) {
  const asked: string[] = [];
  const answered: string[] = [];
  const prober = new Prober({
    intervalMs: 10_000,
    random: () => random,
    async ask({ id }) {
      asked.push(id);
      return answer(id);
    },
    answered: ({ id }, { health }) => answered.push(`${id} ${health}`),
  });
  return { prober, asked, answered };
}

async function pass(ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
  await setImmediate();
}

test("an instance is asked at once, and then every ten seconds, more or less", async () => {
  const { prober, asked, answered } = newProber();
  prober.watch(instance("a"));
  await pass(0);
  expect(answered).toEqual(["a healthy"]);

  // The first pause is drawn from all of the ten seconds.
  await pass(4_999);
  expect(asked).toHaveLength(1);
  await pass(1);
  expect(asked).toHaveLength(2);
  await pass(9_999);
  expect(asked).toHaveLength(2);
  await pass(1);
  expect(asked).toHaveLength(3);
});

test("instances that come together are not asked again together", async () => {
  const asked: number[] = [];
  let draws = 0;
  const prober = new Prober({
    intervalMs: 10_000,
    // By chance as well as chance can be: never the same twice, and evenly spread.
    random: () => (++draws * 0.618_033_988_75) % 1,
    ask: async () => {
      asked.push(Date.now());
      return HEALTHY;
    },
    answered: () => {},
  });
  for (let i = 0; i < 1_000; i++) prober.watch(instance(`a${i}`));
  await pass(0);
  expect(asked.splice(0)).toHaveLength(1_000);

  await pass(10_000);

  const perSecond = new Map<number, number>();
  for (const at of asked) perSecond.set(Math.floor(at / 1_000), (perSecond.get(Math.floor(at / 1_000)) ?? 0) + 1);
  expect(Math.max(...perSecond.values())).toBeLessThan(200);
  prober.close();
});

test("one that is not well is asked every second until it is", async () => {
  let report = SILENT;
  const { prober, asked, answered } = newProber(() => report);
  prober.watch(instance("a"));
  await pass(500);
  await pass(3_000);
  expect(asked).toHaveLength(5);

  report = HEALTHY;
  await pass(1_000);
  expect(answered.at(-1)).toBe("a healthy");
  await pass(9_000);
  expect(asked).toHaveLength(6);
});

test("one that is asked for is asked now, and once more if it was being asked already", async () => {
  const answers: ((report: HealthReport) => void)[] = [];
  const { prober, asked, answered } = newProber(() => new Promise((resolve) => answers.push(resolve)));
  prober.watch(instance("a"));
  await pass(0);
  prober.watch(instance("a"));
  prober.watch(instance("a"));
  await pass(0);
  expect(asked).toHaveLength(1);

  answers[0]?.(HEALTHY);
  await pass(0);
  expect(asked).toHaveLength(2);
  answers[1]?.(SILENT);
  await pass(0);
  expect(answered).toEqual(["a healthy", "a unavailable"]);
  prober.watch(instance("a"));
  await pass(0);
  expect(asked).toHaveLength(3);
});

test("one that is let rest is asked no more, and what it answers late does not count", async () => {
  const answers: ((report: HealthReport) => void)[] = [];
  const { prober, asked, answered } = newProber(() => new Promise((resolve) => answers.push(resolve)));
  prober.watch(instance("a"));
  await pass(0);

  prober.rest("a");
  answers[0]?.(HEALTHY);
  await pass(60_000);

  expect(asked).toHaveLength(1);
  expect(answered).toEqual([]);
  expect(jest.getTimerCount()).toBe(0);
});

test("however many do not answer, those that are well and those that are new are asked in time", async () => {
  const { prober, asked } = newProber((id) => (id.startsWith("well") || id === "new" ? HEALTHY : late()));
  prober.watch(instance("well"));
  await pass(0);
  for (let i = 0; i < 3_000; i++) prober.watch(instance(`silent${i}`));
  await pass(60_000);

  asked.length = 0;
  prober.watch(instance("new"));
  await pass(0);
  expect(asked).toEqual(["new"]);
  await pass(11_000);
  expect(asked).toContain("well");
  prober.close();
});

/** What HealthProbe says of one that does not answer, two seconds later. */
function late(): Promise<HealthReport> {
  return new Promise((resolve) => setTimeout(resolve, 2_000, SILENT));
}

test("very many are asked less often instead of all the time", async () => {
  const { prober, asked } = newProber(() => SILENT);
  for (let i = 0; i < 5_000; i++) prober.watch(instance(`a${i}`));
  await pass(30_000);
  asked.length = 0;

  await pass(10_000);

  expect(asked.length).toBeLessThan(3_500);
  prober.close();
  expect(jest.getTimerCount()).toBe(0);
});
