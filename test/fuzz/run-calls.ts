import { Caller } from "./caller.ts";
import type { FuzzCase } from "./case.ts";
import { casesOf, type Effort } from "./cases.ts";
import type { Counts } from "./counts.ts";
import type { FuzzMethod } from "./methods.ts";
import { expectationOf, problemOf } from "./oracle.ts";
import type { Random } from "./random.ts";
import type { TargetProcess } from "./target-process.ts";

/** How many calls are under way at once. */
const AT_ONCE = 64;

/** Makes every case of every method, in an order that mixes them. */
export async function runCalls(
  target: TargetProcess,
  methods: readonly FuzzMethod[],
  options: { effort: Effort; random: Random; counts: Counts; until: number },
): Promise<void> {
  const { effort, random, counts, until } = options;
  const callers = new Map(target.places.map((place) => [place.name, new Caller(place)]));
  const sources = methods.map((method) => casesOf(method, effort, random.fork()));
  const work = async () => {
    while (sources.length > 0 && performance.now() < until && target.exit === undefined) {
      const source = random.pick(sources);
      const { done, value } = source.next();
      if (done) {
        if (sources.includes(source)) sources.splice(sources.indexOf(source), 1);
        continue;
      }
      await one(value);
    }
  };
  const one = async (value: FuzzCase) => {
    const caller = callers.get(target.placeOf(value.method.contract.service).name) as Caller;
    const expectation = expectationOf(value);
    const outcome = await caller.call(value, expectation);
    counts.add(value, outcome, problemOf(expectation, outcome));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  for (const caller of callers.values()) caller[Symbol.dispose]();
}
