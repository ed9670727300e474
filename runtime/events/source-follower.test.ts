import { Registry } from "prom-client";
import { type TestDatabase, testDatabase } from "../../test/support/database.ts";
import { testEvent } from "../../test/support/events.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { createLogger } from "../logger.ts";
import { consumerMetrics } from "./consumer-metrics.ts";
import type { Event } from "./event.ts";
import { EventProcessor, systemTime as time } from "./event-processor.ts";
import type { EventSource } from "./event-source.ts";
import { Inbox } from "./inbox.ts";
import { SourceFollower } from "./source-follower.ts";
import { Noted, openTestStore, type TestSchema, type TestStore, Unheard, writeDown } from "./testing.ts";

const { signal } = new AbortController();

let database: TestDatabase;
let store: TestStore;
let logs: LogLines;
let follower: SourceFollower<TestSchema>;
/** How often the log was asked for events. */
let asked: number;
beforeEach(async () => {
  database = await testDatabase();
  logs = new LogLines();
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  store = await openTestStore(database.url, logger);
  const inbox = new Inbox(store.db, time.now);
  const metrics = consumerMetrics(new Registry(), {
    progress: () => [],
    setAsideCount: () => inbox.setAsideCount(),
    now: time.now,
  });
  const processor = new EventProcessor({ inbox, subscriptions: [writeDown()], logger, metrics, time });
  asked = 0;
  const source: EventSource = {
    source: "tests",
    follow(...from) {
      asked++;
      return store.log.follow(...from);
    },
  };
  follower = new SourceFollower({ source, inbox, processor, logger, time: { ...time, wait: async () => {} } });
});
afterEach(async () => {
  await store.close();
  await database[Symbol.asyncDispose]();
});

const event = (text: string, position: bigint) => ({
  ...testEvent(Noted, { text }, { source: "tests", subject: "a" }),
  position,
});

/** What the log has: what a broker carries. */
async function eventsOfLog(): Promise<readonly Event[]> {
  for await (const { events } of store.log.follow({ afterPosition: 0 }, signal)) return events;
  return [];
}

async function handleAll(events: readonly Event[]): Promise<void> {
  for (const each of events) await follower.handleNext(each, signal);
}

test("an event of a broker that the log does not have any more holds nobody up", async () => {
  await store.note("a", "one");

  await follower.handleNext(event("from before the log was restored", 500n), signal);
  await store.note("a", "two");
  await follower.handleNext(event("also in the log", 2n), signal);

  expect(await store.effects()).toEqual(["one", "also in the log"]);
  expect(logs.with({ msg: "an event is in no log: it is passed over", position: 500 })).toHaveLength(1);
});

test("an event of a broker that has come in the place of one in the log does not keep that one from being handled", async () => {
  await store.note("a", "one", "two");
  const [one, two] = (await eventsOfLog()) as [Event, Event];
  await handleAll([one, event("from before the log was restored", 2n)]);

  await follower.handleNext(two, signal);

  expect(await store.effects()).toEqual(["one", "from before the log was restored", "two"]);
});

describe("what a broker hands over", () => {
  test("is handled also when the log was restored, and gives out positions again that were handled", async () => {
    await store.note("a", "one");
    const restore = await store.backUpLog();
    await store.note("a", "two", "three");
    const before = await eventsOfLog();
    await handleAll(before);
    await restore();
    await store.note("a", "new two", "new three", "new four");

    // The relay, whose position was restored too, goes on with them; and the broker repeats itself.
    await handleAll((await eventsOfLog()).slice(1));
    await handleAll(before);
    await store.note("a", "five");
    await handleAll(await eventsOfLog());

    expect(await store.effects()).toEqual(["one", "two", "three", "new two", "new three", "new four", "five"]);
    const message = "the log does not go on from where it was handled: it is read from its beginning";
    expect(logs.with({ msg: message })).toMatchObject([{ cursor: 3 }]);
  });

  test("is not looked for in the log when it comes twice, or nobody handles its type", async () => {
    await store.note("a", "one");
    const unheard = { subject: "a", data: { text: "unheard" } };
    await store.db.transaction().execute((transaction) => store.log.append(transaction, Unheard, unheard));
    await store.note("a", "broken", "two");
    const events = await eventsOfLog();

    await handleAll(events);
    await handleAll(events);

    expect(asked).toBe(0);
    expect(await store.effects()).toEqual(["one"]);
  });

  test("is passed over if the log does not have it where that was handled", async () => {
    await store.note("a", "one", "two", "three");
    await handleAll(await eventsOfLog());

    await follower.handleNext(event("from before the log was restored", 2n), signal);

    expect(await store.effects()).toEqual(["one", "two", "three"]);
    expect(logs.with({ msg: "an event is in no log: it is passed over", position: 2 })).toHaveLength(1);
    expect(asked).toBe(1);
  });
});
