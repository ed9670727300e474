import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type TestDatabase, testDatabase } from "../../test/support/database.ts";
import { createLogger } from "../logger.ts";
import { openTestStore, type TestStore } from "./testing.ts";

const endAtStep = fileURLToPath(new URL("../../test/support/end-at-step.ts", import.meta.url));

let database: TestDatabase;
let store: TestStore;
beforeEach(async () => {
  database = await testDatabase();
  store = await openTestStore(database.url, createLogger({ name: "test", level: "silent" }));
});
afterEach(async () => {
  await store.close();
  await database[Symbol.asyncDispose]();
});

/** Starts a process that works on the store, and ends at a step. */
function start(work: readonly string[], step = ""): ChildProcess {
  return fork(fileURLToPath(new URL("./testing-process.ts", import.meta.url)), [database.url, ...work], {
    execArgv: ["--import", endAtStep],
    env: { ...process.env, END_AT_STEP: step },
  });
}

/** How it ended: an exit status, or a signal. */
async function run(work: readonly string[], step?: string): Promise<unknown> {
  const [status, signal] = await once(start(work, step), "exit");
  return signal ?? status;
}

const texts = Array.from({ length: 20 }, (_, i) => `${i}`);

test("a producer that is killed before it commits has told nothing", async () => {
  expect(await run(["note", "one", "two"], "events.log.appended#2")).toBe("SIGKILL");

  expect(await store.log.state()).toMatchObject({ firstPosition: 0, lastPosition: 0 });
});

test("a consumer that is killed at every step has each effect exactly once, in order", async () => {
  await store.note("a", ...texts);

  expect(await run(["20"], "events.consumer.handler-done#3")).toBe("SIGKILL");
  expect(await run(["20"], "events.consumer.before-commit#4")).toBe("SIGKILL");
  expect(await run(["20"], "events.consumer.committed#5")).toBe("SIGKILL");
  // Two, three and five events were committed.
  expect(await store.effects()).toEqual(texts.slice(0, 10));
  expect(await run(["20"])).toBe(0);

  expect(await store.effects()).toEqual(texts);
});

test("two replicas, one of which is killed in a transaction, have each effect exactly once, in order", async () => {
  await store.note("a", ...texts);

  const outcomes = await Promise.all([run(["20"], "events.consumer.before-commit#7"), run(["20"])]);

  expect(["SIGKILL", 0]).toContain(outcomes[0]);
  expect(outcomes[1]).toBe(0);
  expect(await store.effects()).toEqual(texts);
});
