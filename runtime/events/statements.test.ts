import type { KyselyPlugin } from "kysely";
import { Registry } from "prom-client";
import { testDatabase } from "../../test/support/database.ts";
import { createLogger } from "../logger.ts";
import { EventConsumer } from "./event-consumer.ts";
import { Inbox } from "./inbox.ts";
import { openTestStore, type TestSchema, type TestStore, writeDown } from "./testing.ts";

const logger = createLogger({ name: "test", level: "silent" });

let stack: AsyncDisposableStack;
let store: TestStore;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  store = await openTestStore(stack.use(await testDatabase()).url, logger);
  stack.defer(store.close);
});
afterEach(() => stack.disposeAsync());

/** The store, and how many rows each statement has read or removed. */
function watched() {
  const rows: number[] = [];
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      rows.push(Number(result.numAffectedRows ?? result.rows.length));
      return result;
    },
  };
  return { db: store.db.withPlugin(plugin), rows };
}

test("what was handled long ago is forgotten a little at a time", async () => {
  const handled = Array.from({ length: 2_500 }, (_, i) => ({ source: "tests", id: `${i}`, handled_at_ms: i }));
  for (let i = 0; i < handled.length; i += 500) {
    await store.db
      .insertInto("event_inbox")
      .values(handled.slice(i, i + 500))
      .execute();
  }
  const { db, rows } = watched();

  await new Inbox(db, () => new Date()).forget(new Date(2_400));

  expect(rows).toEqual([1_000, 1_000, 400]);
  const { oldest } = await store.db
    .selectFrom("event_inbox")
    .select(({ fn }) => fn.min("handled_at_ms").as("oldest"))
    .executeTakeFirstOrThrow();
  expect(oldest).toBe(2_400);
});

test("of what is set aside only that is read which waits for nothing", async () => {
  const row = { source: "tests", type: "test.Noted", time_ms: 0, trace_parent: "", data: "", set_aside_at_ms: 0 };
  const waiting = { error: "", attempts: 0 };
  const rowsOf = (subject: string, first: { error: string; attempts: number }) =>
    Array.from({ length: 20 }, (_, position) => ({
      ...{ ...row, id: `${subject}${position}`, position, subject },
      ...(position === 0 ? first : waiting),
    }));
  const failed = { error: "TypeError", attempts: 5 };
  await store.db.insertInto("set_aside_events").values(rowsOf("a", failed)).execute();
  await store.db.insertInto("set_aside_events").values(rowsOf("b", failed)).execute();
  const { db, rows } = watched();
  const what = { name: "tester", db, sources: [store.log], subscriptions: [writeDown()], logger, metrics: new Registry() };

  await new EventConsumer<TestSchema>(what).setAside.release(new AbortController().signal);

  expect(rows).toEqual([0]);
});
