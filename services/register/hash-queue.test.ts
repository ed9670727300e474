import { setImmediate as turn } from "node:timers/promises";
import { HashQueue, type Standing } from "./hash-queue.ts";

const OVERLOADED = { kind: "exhausted", reason: "OVERLOADED", retryAfterMs: 2_000 };

/** A queue whose work is done when it is told to. */
function startQueue(options: { atOnce?: number; mostWaiting?: number } = {}) {
  const queue = new HashQueue({ atOnce: 1, mostWaiting: 100, ...options });
  const working: { name: string; finish: () => void }[] = [];
  const begun: string[] = [];
  const enter = (name: string, lane: string, settings: { standing?: Standing; signal?: AbortSignal } = {}) => {
    const work = () =>
      new Promise<string>((resolve) => {
        begun.push(name);
        working.push({ name, finish: () => resolve(name) });
      });
    const entered = queue.run({ lane, standing: settings.standing ?? "failed" }, work, settings.signal);
    entered.catch(() => {});
    return entered;
  };
  return {
    ...{ queue, begun, working, enter },
    /** Finishes what is worked on, one after another, until nothing is. */
    async finishAll() {
      while (working.length > 0) {
        working.shift()?.finish();
        await turn();
      }
    },
  };
}

test("works on so many at once, and no more", async () => {
  const { begun, working, enter, finishAll } = startQueue({ atOnce: 3 });
  const done = Array.from({ length: 10 }, (_, i) => enter(String(i), "lane"));
  await turn();
  expect(begun).toEqual(["0", "1", "2"]);

  working.splice(1, 1)[0]?.finish();
  await turn();
  expect(begun).toEqual(["0", "1", "2", "3"]);
  await finishAll();
  expect(await Promise.all(done)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
});

test("lets lanes take turns, however much one of them asks for", async () => {
  const { begun, enter, finishAll } = startQueue();
  for (let i = 0; i < 20; i++) void enter(`flood ${i}`, "flood");
  void enter("a", "1.2.3.4");
  void enter("b", "5.6.7.8");
  void enter("a, again", "1.2.3.4");

  await finishAll();

  expect(begun.slice(0, 7)).toEqual(["flood 0", "flood 1", "a", "b", "flood 2", "a, again", "flood 3"]);
  expect(begun).toHaveLength(23);
});

test("lets somebody known, or new, wait for three others at most, however many have failed", async () => {
  const { begun, enter, finishAll } = startQueue();
  for (let i = 0; i < 50; i++) void enter(`failed ${i}`, `10.0.0.${i}`);
  void enter("known", "1.2.3.4", { standing: "known" });
  void enter("known, again", "1.2.3.4", { standing: "known" });
  void enter("new", "5.6.7.8", { standing: "new" });

  await finishAll();

  // Whoever has failed has a third of the turns: nobody is kept out for good.
  expect(begun.slice(0, 6)).toEqual(["failed 0", "known", "new", "failed 1", "known, again", "failed 2"]);
});

test("refuses what is more than may wait, and goes on with the rest", async () => {
  const { queue, begun, enter, finishAll } = startQueue({ mostWaiting: 2 });
  const entered = ["a", "b", "c", "d"].map((name) => enter(name, "lane"));

  await expect(entered[3]).rejects.toMatchObject(OVERLOADED);
  expect(queue.waiting).toBe(2);
  await finishAll();
  expect(begun).toEqual(["a", "b", "c"]);
});

test("lets the longest line make room for a shorter one", async () => {
  const { begun, enter, finishAll } = startQueue({ mostWaiting: 4 });
  const flood = Array.from({ length: 5 }, (_, i) => enter(`flood ${i}`, "flood"));
  const others = ["a", "b", "c"].map((lane) => enter(lane, lane));

  await expect(flood[4]).rejects.toMatchObject(OVERLOADED);
  await expect(flood[3]).rejects.toMatchObject(OVERLOADED);
  await expect(flood[2]).rejects.toMatchObject(OVERLOADED);
  await expect(enter("flood again", "flood")).rejects.toMatchObject(OVERLOADED);
  await expect(enter("d", "d")).rejects.toMatchObject(OVERLOADED);
  await finishAll();
  expect(await Promise.all(others)).toEqual(["a", "b", "c"]);
  expect(begun).toEqual(["flood 0", "flood 1", "a", "b", "c"]);
});

test("lets those of worse standing make room, and nobody of a better one", async () => {
  const { enter, finishAll } = startQueue({ mostWaiting: 2 });
  void enter("working", "z");
  const [failed, fresh] = [enter("a", "a"), enter("b", "b", { standing: "new" })];

  const known = [enter("c", "c", { standing: "known" })];
  await expect(failed).rejects.toMatchObject(OVERLOADED);
  known.push(enter("d", "d", { standing: "known" }));
  await expect(fresh).rejects.toMatchObject(OVERLOADED);
  for (const standing of ["failed", "new", "known"] as const) {
    await expect(enter("e", "e", { standing })).rejects.toMatchObject(OVERLOADED);
  }
  await finishAll();
  expect(await Promise.all(known)).toEqual(["c", "d"]);
});

test("lets the longest line of known ones make room for another known one", async () => {
  const { enter, finishAll } = startQueue({ mostWaiting: 3 });
  void enter("working", "z");
  const greedy = Array.from({ length: 3 }, (_, i) => enter(`a ${i}`, "a", { standing: "known" }));

  const other = enter("b", "b", { standing: "known" });

  await expect(greedy[2]).rejects.toMatchObject(OVERLOADED);
  await finishAll();
  await expect(other).resolves.toBe("b");
});

test("never begins for who has left, in the queue or before it", async () => {
  const { queue, begun, enter, finishAll } = startQueue();
  const leaving = new AbortController();
  void enter("working", "a");
  const entered = [
    enter("leaving", "b", { signal: leaving.signal }),
    enter("staying", "b", { signal: new AbortController().signal }),
    enter("left before", "c", { signal: AbortSignal.abort() }),
  ];

  leaving.abort(new Error("gone"));
  expect(queue.waiting).toBe(1);
  await finishAll();

  await expect(entered[0]).rejects.toThrow("gone");
  await expect(entered[2]).rejects.toThrow("aborted");
  expect(begun).toEqual(["working", "staying"]);
});

test("finishes what it has begun for who leaves then", async () => {
  const { enter, finishAll } = startQueue();
  const leaving = new AbortController();
  const entered = enter("working", "a", { signal: leaving.signal });

  leaving.abort();
  await finishAll();

  await expect(entered).resolves.toBe("working");
});

test("goes on after work that fails", async () => {
  const queue = new HashQueue({ atOnce: 1, mostWaiting: 10 });
  const customer = { lane: "a", standing: "new" } as const;
  const failing = queue.run(customer, () => Promise.reject(new Error("broken")));
  const next = queue.run(customer, async () => "done");

  await expect(failing).rejects.toThrow("broken");
  await expect(next).resolves.toBe("done");
  await expect(queue.run(customer, async () => "idle again")).resolves.toBe("idle again");
});
