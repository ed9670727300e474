import { type TestDatabase, testDatabase } from "../../test/support/database.ts";
import { runInCall } from "../call-context.ts";
import { createLogger } from "../logger.ts";
import { EventLog } from "./event-log.ts";
import type { EventBatch } from "./event-source.ts";
import { Noted, openTestStore, type TestStore } from "./testing.ts";

const logger = createLogger({ name: "test", level: "silent" });
const DAY_MS = 86_400_000;

let database: TestDatabase;
let store: TestStore;
beforeEach(async () => {
  database = await testDatabase();
  store = await openTestStore(database.url, logger);
});
afterEach(async () => {
  await store.close();
  await database[Symbol.asyncDispose]();
});

/** The batches of a log until there are as many events as wanted. */
async function follow(
  log: EventLog,
  wanted: number,
  from: Partial<Parameters<EventLog["follow"]>[0]> = {},
): Promise<EventBatch[]> {
  const batches: EventBatch[] = [];
  let count = 0;
  for await (const batch of log.follow({ afterPosition: 0, ...from }, AbortSignal.timeout(10_000))) {
    batches.push(batch);
    count += batch.events.length;
    if (count >= wanted) return batches;
  }
  return batches;
}

const textsOf = (batches: readonly EventBatch[]) => batches.flatMap(({ events }) => events.map(({ data }) => data.toString()));

test("has an event with all that CloudEvents asks for", async () => {
  const now = new Date("2026-11-21T20:00:00.123Z");
  const log = new EventLog(store.db, { source: "tests", now: () => now });
  const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16), parentSpanId: undefined, sampled: true };

  await runInCall({ path: "/p.S/M", trace, deadline: 0 }, () =>
    store.db
      .transaction()
      .execute((transaction) => log.append(transaction, Noted, { subject: "notes/1", data: { text: "ä\0" } })),
  );

  const [batch] = await follow(log, 1);
  expect(batch).toEqual({
    events: [
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        source: "tests",
        specVersion: "1.0",
        type: "test.Noted",
        subject: "notes/1",
        time: now,
        position: 1n,
        traceParent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
        data: Buffer.from("ä\0"),
      },
    ],
    position: 1,
    lastPosition: 1,
  });
});

test("has nothing of a transaction that is rolled back, and leaves no gap", async () => {
  await store.note("a", "one");
  const failed = store.db.transaction().execute(async (transaction) => {
    await store.log.append(transaction, Noted, { subject: "a", data: { text: "never" } });
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  await store.note("a", "two");

  const [batch] = await follow(store.log, 2);
  expect(batch?.events.map(({ position, data }) => [position, data.toString()])).toEqual([
    [1n, "one"],
    [2n, "two"],
  ]);
});

test("sends an empty batch at once when there is nothing, then what comes", async () => {
  const batches = store.log.follow({ afterPosition: 0 }, AbortSignal.timeout(10_000));
  expect((await batches.next()).value).toEqual({ events: [], position: 0, lastPosition: 0 });

  const next = batches.next();
  await store.note("a", "one", "two");

  expect((await next).value).toMatchObject({ position: 2, lastPosition: 2 });
  await batches.return(undefined as never);
});

test("goes on after the position that the reader has", async () => {
  await store.note("a", "one", "two", "three");

  expect(textsOf(await follow(store.log, 1, { afterPosition: 2 }))).toEqual(["three"]);
  expect(await follow(store.log, 0, { afterPosition: 3 })).toEqual([{ events: [], position: 3, lastPosition: 3 }]);
});

test("sends at most a hundred events at once, and about a megabyte", async () => {
  await store.note("a", ...Array.from({ length: 250 }, (_, i) => `${i}`));
  const large = "x".repeat(500_000);
  await store.note("a", large, large, "y".repeat(2_000_000), "z");

  const batches = await follow(store.log, 254);

  expect(batches.map(({ events, position }) => [events.length, position])).toEqual([
    [100, 100],
    [100, 200],
    [51, 251],
    [1, 252],
    [1, 253],
    [1, 254],
  ]);
  expect(batches.every(({ lastPosition }) => lastPosition === 254)).toBe(true);
});

test("skips nothing while many transactions end in another order than they have begun", async () => {
  const texts = Array.from({ length: 30 }, (_, i) => `${i}`);
  const followed = follow(store.log, texts.length);

  await Promise.all(
    texts.map((text, i) =>
      store.db
        .transaction()
        .execute(async (transaction) => {
          await store.log.append(transaction, Noted, { subject: "a", data: { text } });
          // Whoever has the lock keeps it for a while, some for longer than others.
          for (let turns = 0; turns < (i * 7) % 5; turns++) await new Promise((resolve) => setImmediate(resolve));
        })
        .then(() => store.log.wake()),
    ),
  );

  const events = (await followed).flatMap((batch) => batch.events);
  expect(events.map(({ position }) => Number(position))).toEqual(texts.map((_, i) => i + 1));
  expect(new Set(textsOf(await follow(store.log, texts.length)))).toEqual(new Set(texts));
});

describe("restored to what it was before", () => {
  let cursor: { afterPosition: number; afterId: string };
  beforeEach(async () => {
    await store.note("a", "one");
    const restore = await store.backUpLog();
    await store.note("a", "two", "three");
    const [batch] = await follow(store.log, 3);
    cursor = { afterPosition: 3, afterId: batch?.events.at(-1)?.id ?? "" };
    expect(await follow(store.log, 0, cursor)).toEqual([{ events: [], position: 3, lastPosition: 3 }]);
    await restore();
  });

  test("tells a reader who has an event of before", async () => {
    await expect(follow(store.log, 0, cursor)).rejects.toMatchObject({ reason: "EVENTS_GONE" });
    await store.note("a", "another two", "another three", "another four");

    await expect(follow(store.log, 0, cursor)).rejects.toMatchObject({ kind: "out-of-range", reason: "EVENTS_GONE" });
  });

  test("goes on for a reader who does not know which event it has, or whose event is not kept", async () => {
    await store.note("a", "another two", "another three", "another four");

    expect(textsOf(await follow(store.log, 1, { ...cursor, afterId: "" }))).toEqual(["another four"]);
    await store.db.deleteFrom("event_log").where("position", "<=", 3).execute();
    expect(textsOf(await follow(store.log, 1, cursor))).toEqual(["another four"]);
  });

  test("begins with its oldest event for a reader who has none, whatever id that gives", async () => {
    expect(textsOf(await follow(store.log, 1, { afterPosition: 0, afterId: cursor.afterId }))).toEqual(["one"]);
  });

  test.each([
    ["is shorter than what was read", []],
    ["has grown as long again", ["four", "five"]],
    ["has grown longer", ["four", "five", "six"]],
  ])("under a reader, tells that one when it %s", async (_what, texts) => {
    const batches = store.log.follow({ afterPosition: 0 }, AbortSignal.timeout(10_000));
    const restore = await store.backUpLog();
    await store.note("a", "two", "three");
    expect((await batches.next()).value).toMatchObject({ position: 3 });
    await restore();

    const next = batches.next();
    await store.note("a", ...texts);

    await expect(next).rejects.toMatchObject({ reason: "EVENTS_GONE" });
  });
});

describe("of events that are too old", () => {
  const old = new Date(Date.now() - 40 * DAY_MS);
  const monthAgo = new Date(Date.now() - 30 * DAY_MS);
  const appendAt = (now: Date, ...texts: string[]) =>
    store.db.transaction().execute(async (transaction) => {
      const log = new EventLog(store.db, { source: "tests", now: () => now });
      for (const text of texts) await log.append(transaction, Noted, { subject: "a", data: { text } });
    });

  test("keeps the young ones, and begins with the oldest that is kept", async () => {
    await appendAt(old, "one", "two");
    await appendAt(new Date(), "three");

    expect(await store.log.prune(monthAgo)).toBe(2);

    expect(await store.log.state()).toMatchObject({ firstPosition: 3, lastPosition: 3 });
    expect(textsOf(await follow(store.log, 1))).toEqual(["three"]);
    expect(textsOf(await follow(store.log, 1, { afterPosition: 2 }))).toEqual(["three"]);
  });

  test("keeps an old one behind a young one: there are no gaps", async () => {
    await appendAt(old, "one");
    await appendAt(new Date(), "two");
    await appendAt(old, "three");

    await store.log.prune(monthAgo);

    expect(textsOf(await follow(store.log, 2))).toEqual(["two", "three"]);
  });

  test("keeps what a broker has not confirmed", async () => {
    await appendAt(old, "one", "two", "three");

    await store.log.prune(monthAgo, { upTo: 1 });

    expect(textsOf(await follow(store.log, 2))).toEqual(["two", "three"]);
  });

  test("removes many of them", async () => {
    await appendAt(old, ...Array.from({ length: 1_001 }, (_, i) => `${i}`));

    expect(await store.log.prune(monthAgo)).toBe(1_001);
    expect(await store.log.state()).toMatchObject({ firstPosition: 0, lastPosition: 1_001 });
  });

  test.each([
    ["before what is kept", 1],
    ["that none has", 5],
  ])("tells a reader whose position is one %s", async (_what, afterPosition) => {
    await appendAt(old, "one", "two");
    await appendAt(new Date(), "three", "four");
    await store.log.prune(monthAgo);

    await expect(follow(store.log, 1, { afterPosition })).rejects.toMatchObject({ kind: "out-of-range", reason: "EVENTS_GONE" });
  });

  test("tells a reader that was too slow", async () => {
    await appendAt(old, ...Array.from({ length: 150 }, (_, i) => `${i}`));
    const batches = store.log.follow({ afterPosition: 0 }, AbortSignal.timeout(10_000));
    await batches.next();
    await appendAt(new Date(), "young");
    await store.log.prune(monthAgo);

    await expect(batches.next()).rejects.toMatchObject({ reason: "EVENTS_GONE" });
  });

  test("begins at a time", async () => {
    await appendAt(old, "one", "two");
    await appendAt(new Date(), "three");

    expect(await follow(store.log, 0, { since: new Date(Date.now() + DAY_MS) })).toMatchObject([{ events: [], position: 3 }]);
    expect(textsOf(await follow(store.log, 1, { since: monthAgo }))).toEqual(["three"]);
  });
});
