import { jest } from "@jest/globals";
import { sql } from "kysely";
import { ClientError, Status } from "nice-grpc-common";
import { Registry } from "prom-client";
import { type TestDatabase, testDatabase } from "../../test/support/database.ts";
import { testEvent } from "../../test/support/events.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { until } from "../../test/support/until.ts";
import { currentCall } from "../call-context.ts";
import { openDatabase } from "../database.ts";
import { Failure } from "../errors.ts";
import { createLogger } from "../logger.ts";
import { EventConsumer, type EventConsumerOptions, on } from "./event-consumer.ts";
import type { EventSource } from "./event-source.ts";
import { firstMigrations, Noted, openTestStore, type TestSchema, type TestStore, Unheard, writeDown } from "./testing.ts";

const DAY_MS = 86_400_000;
const SOURCE = { source: "tests" };

let database: TestDatabase;
let store: TestStore;
let logs: LogLines;
let metrics: Registry;
let consumers: EventConsumer<TestSchema>[];
beforeEach(async () => {
  database = await testDatabase();
  logs = new LogLines();
  metrics = new Registry();
  consumers = [];
  store = await openTestStore(database.url, createLogger({ name: "test", level: "debug", destination: logs }));
});
afterEach(async () => {
  for (const consumer of consumers) await consumer.close();
  await store.close();
  await database[Symbol.asyncDispose]();
});

/** A consumer whose waits are over at once, and noted in `waits`. */
function consume(options: Partial<EventConsumerOptions<TestSchema>> = {}, waits: number[] = []) {
  const consumer = new EventConsumer<TestSchema>({
    name: "tester",
    db: store.db,
    sources: [store.log],
    subscriptions: [writeDown()],
    logger: createLogger({ name: "test", level: "debug", destination: logs }),
    metrics,
    ...options,
    time: {
      random: () => 1,
      async wait(ms, signal) {
        waits.push(ms);
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
      },
      ...options.time,
    },
  });
  consumers.push(consumer);
  return consumer;
}

const position =
  (consumer = consumers[0]) =>
  async () =>
    (await consumer?.state())?.[0]?.position;

/** Fails for these texts, for as long as they are in the set. */
function failing(broken: ReadonlySet<string>, tried: string[] = []) {
  return writeDown((text) => {
    tried.push(text);
    if (broken.has(text)) throw new TypeError(`secret of ${text}`);
  });
}

describe("a consumer", () => {
  test("handles what is in the log when it comes, and what is noted later", async () => {
    await store.note("a", "one", "two");
    consume().start();
    await until(store.effects, ["one", "two"]);

    await store.note("b", "three");

    await until(store.effects, ["one", "two", "three"]);
    await until(position(), 3);
  });

  test("goes on where it stopped", async () => {
    const first = consume();
    first.start();
    await store.note("a", "one");
    await until(store.effects, ["one"]);
    await first.close();
    await store.note("a", "two");

    consume({ metrics: new Registry() }).start();

    await until(store.effects, ["one", "two"]);
  });

  test("passes over types that nobody handles, and looks at none of them twice", async () => {
    await store.db
      .transaction()
      .execute((transaction) => store.log.append(transaction, Unheard, { subject: "a", data: { text: "x" } }));
    await store.note("a", "one");

    consume().start();

    await until(store.effects, ["one"]);
    await until(position(), 2);
    expect(await metrics.metrics()).toContain('bookmesh_events_total{source="tests",type="other",outcome="skipped"} 1');
  });

  test("works for the trace of the event, and not for ever", async () => {
    const seen: unknown[] = [];
    const consumer = consume({
      subscriptions: [
        on(Noted, async () => {
          seen.push(currentCall());
          return undefined;
        }),
      ],
    });
    const traceParent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;

    await consumer.handle({ ...testEvent(Noted, { text: "one" }, { ...SOURCE, subject: "a" }), traceParent });

    expect(seen).toMatchObject([{ path: "events/test.Noted", trace: { traceId: "a".repeat(32), sampled: true } }]);
    expect((seen[0] as { deadline: number }).deadline - Date.now()).toBeLessThanOrEqual(60_000);
  });

  test("handles an event that comes twice once", async () => {
    const consumer = consume();
    const event = testEvent(Noted, { text: "one" }, { ...SOURCE, subject: "a" });

    await consumer.handle(event);
    await consumer.handle(event);
    await consumer.handle({ ...event, position: event.position + 1n });

    expect(await store.effects()).toEqual(["one"]);
  });

  test("has no effect without its note, and no note without its effect", async () => {
    let fail = true;
    const consumer = consume({
      subscriptions: [
        on<Noted, TestSchema>(Noted, async ({ text }, event) => async (transaction) => {
          const effect = { place: 1, event_id: event.id, subject: "a", text };
          await transaction.insertInto("effects").values(effect).execute();
          if (fail) {
            fail = false;
            throw new Error("after the effect");
          }
        }),
      ],
    });

    await consumer.handle(testEvent(Noted, { text: "one" }, { ...SOURCE, subject: "a" }));

    expect(await store.effects()).toEqual(["one"]);
  });

  test("finishes the event in hand before it closes, and leaves the next one for later", async () => {
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const slow = consume({
      subscriptions: [
        writeDown(async () => {
          entered.resolve();
          await gate.promise;
        }),
      ],
    });
    await store.note("a", "one", "two");
    slow.start();
    await entered.promise;

    const closed = slow.close();
    gate.resolve();
    await closed;

    expect(await store.effects()).toEqual(["one"]);
  });
});

test("two consumers of one store neither double an effect nor change the order", async () => {
  const texts = Array.from({ length: 40 }, (_, i) => `${i}`);
  consume().start();
  consume({ metrics: new Registry() }).start();

  for (const text of texts) await store.note(`${Number(text) % 3}`, text);

  await until(store.effects, texts);
});

describe("an event that fails", () => {
  test("is tried for as long as it takes while something is away", async () => {
    const away = [
      new ClientError("/p.S/M", Status.UNAVAILABLE, "away"),
      new ClientError("/p.S/M", Status.DEADLINE_EXCEEDED, "slow"),
      new ClientError("/p.S/M", Status.RESOURCE_EXHAUSTED, "busy"),
      new Failure("unavailable", "away"),
      Object.assign(new Error("gone"), { code: "ECONNREFUSED" }),
    ];
    const errors = [...away, ...away];
    const waits: number[] = [];
    const consumer = consume(
      {
        subscriptions: [
          writeDown(() => {
            const error = errors.shift();
            if (error !== undefined) throw error;
          }),
        ],
      },
      waits,
    );

    await consumer.handle(testEvent(Noted, { text: "one" }, { ...SOURCE, subject: "a" }));

    expect(await store.effects()).toEqual(["one"]);
    expect(waits).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    expect(logs.with({ msg: "an event waits for what is away" })).toHaveLength(1);
  });

  test("has about a minute when another service is not well, as while that is deployed", async () => {
    const waits: number[] = [];
    let failures = 4;
    const unwell = writeDown((text) => {
      if (text === "bad" || failures-- > 0) throw new ClientError("/p.S/M", Status.UNIMPLEMENTED, "unknown method");
    });
    const consumer = consume({ subscriptions: [unwell] }, waits);

    await consumer.handle(testEvent(Noted, { text: "one" }, { ...SOURCE, subject: "a" }));
    await consumer.handle(testEvent(Noted, { text: "bad" }, { ...SOURCE, subject: "b" }));

    expect(await store.effects()).toEqual(["one"]);
    const minute = [6_400, 12_800, 25_600, 30_000];
    expect(waits).toEqual([...minute, ...minute]);
    expect(await consumer.setAside.list(undefined, 10)).toMatchObject([{ attempts: 5, error: "UNIMPLEMENTED: unknown method" }]);
  });

  test("is set aside after five tries, and those of other subjects go on", async () => {
    const tried: string[] = [];
    consume({ subscriptions: [failing(new Set(["bad"]), tried)] }).start();

    await store.note("a", "one");
    await store.note("a", "bad");
    await store.note("b", "two");

    await until(store.effects, ["one", "two"]);
    expect(tried).toEqual(["one", "bad", "bad", "bad", "bad", "bad", "two"]);
    expect(await consumers[0]?.setAside.list(undefined, 10)).toMatchObject([
      { source: "tests", position: 2, subject: "a", error: "TypeError", attempts: 5 },
    ]);
    expect(await metrics.metrics()).toContain("bookmesh_events_set_aside 1");
    expect(await metrics.metrics()).toContain('bookmesh_events_retries_total{source="tests"} 5');
  });

  test("is set aside at once if its data is not what its type says", async () => {
    const consumer = consume();

    await consumer.handle(testEvent(Noted, { text: "broken" }, { ...SOURCE, subject: "a" }));

    expect(await consumer.setAside.list(undefined, 10)).toMatchObject([{ error: "UndecodableEvent", attempts: 1 }]);
  });

  test("is waited for by the later ones of its subject", async () => {
    const tried: string[] = [];
    consume({ subscriptions: [failing(new Set(["bad"]), tried)] }).start();

    await store.note("a", "bad", "after", "last");
    await store.note("b", "two");

    await until(store.effects, ["two"]);
    expect(tried).not.toContain("after");
    expect(await consumers[0]?.setAside.list(undefined, 10)).toMatchObject([
      { position: 1, error: "TypeError", attempts: 5 },
      { position: 2, error: "", attempts: 0 },
      { position: 3, error: "", attempts: 0 },
    ]);
  });

  test("is handled when it is tried again, and those that wait behind it in their order", async () => {
    const broken = new Set(["bad"]);
    const consumer = consume({ subscriptions: [failing(broken)] });
    consumer.start();
    await store.note("a", "bad", "after", "last");
    await until(position(), 3);
    broken.clear();

    expect(await consumer.setAside.retry({}, new AbortController().signal)).toBe(3);

    expect(await store.effects()).toEqual(["bad", "after", "last"]);
    expect(await consumer.setAside.count()).toBe(0);
    await store.note("a", "new");
    await until(store.effects, ["bad", "after", "last", "new"]);
  });

  test("stays where it is when it fails again, and counts its tries", async () => {
    const consumer = consume({ subscriptions: [failing(new Set(["bad"]))] });
    consumer.start();
    await store.note("a", "bad", "after");
    await until(position(), 2);
    const [row] = await consumer.setAside.list(undefined, 1);

    expect(await consumer.setAside.retry({ source: "tests", id: row?.id ?? "" }, new AbortController().signal)).toBe(0);

    expect(await consumer.setAside.list(undefined, 10)).toMatchObject([{ attempts: 0 }, { attempts: 6 }]);
    await expect(consumer.setAside.retry({ source: "tests", id: "other" }, new AbortController().signal)).rejects.toMatchObject({
      kind: "not-found",
      reason: "EVENT_NOT_SET_ASIDE",
    });
  });

  test("is tried once when an operator asks for it, also if something is away", async () => {
    let error: Error = new TypeError("broken");
    const consumer = consume({
      subscriptions: [
        writeDown(() => {
          throw error;
        }),
      ],
    });
    await consumer.handle(testEvent(Noted, { text: "one" }, { ...SOURCE, subject: "a" }));
    error = new ClientError("/p.S/M", Status.UNAVAILABLE, "no connection");

    expect(await consumer.setAside.retry({ source: "tests" }, new AbortController().signal)).toBe(0);
    expect(await consumer.setAside.list(undefined, 10)).toMatchObject([{ attempts: 6, error: "UNAVAILABLE: no connection" }]);
  });

  test("is never handled once it is dropped, and those that waited behind it are", async () => {
    const consumer = consume({ subscriptions: [failing(new Set(["bad"]))] });
    consumer.start();
    await store.note("a", "bad", "after", "last");
    await until(position(), 3);
    const [row] = await consumer.setAside.list(undefined, 1);

    await consumer.drop({ source: "tests", id: row?.id ?? "" });

    await until(store.effects, ["after", "last"]);
    await expect(consumer.drop({ source: "tests", id: row?.id ?? "" })).rejects.toMatchObject({ kind: "not-found" });
  });

  test("that nobody has set aside cannot be dropped, and nothing is kept of the name of its source", async () => {
    const consumer = consume({ subscriptions: [] });

    await expect(consumer.drop({ source: "nobody", id: "1" })).rejects.toMatchObject({ reason: "EVENT_NOT_SET_ASIDE" });

    expect(await store.db.selectFrom("event_cursors").selectAll().execute()).toEqual([]);
  });

  test("sets those free that waited behind it, even if the process ended before it could handle them", async () => {
    const first = consume({ subscriptions: [failing(new Set(["bad"]))] });
    first.start();
    await store.note("a", "bad", "after");
    await until(position(), 2);
    await first.close();
    const [row] = await first.setAside.list(undefined, 1);
    await first.setAside.drop({ source: "tests", id: row?.id ?? "" });

    consume({ metrics: new Registry() }).start();

    await until(store.effects, ["after"]);
  });
});

describe("the log of a source", () => {
  /** The log, whose streams break or are refused as often as `break` says. */
  function shaky(trouble: (stream: number) => Error | undefined): EventSource {
    let streams = 0;
    return {
      source: "tests",
      async *follow(from, signal) {
        const error = trouble(streams++);
        for await (const batch of store.log.follow(from, signal)) {
          const [first] = batch.events;
          if (error !== undefined && first !== undefined) {
            yield { ...batch, events: [first], position: Number(first.position) };
            throw error;
          }
          yield batch;
        }
      },
    };
  }

  test("is resumed after each event when every stream breaks", async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`);
    await store.note("a", ...texts);

    consume({ sources: [shaky((n) => (n < 15 ? new ClientError("/p.S/M", Status.UNAVAILABLE, "gone") : undefined))] }).start();

    await until(store.effects, texts);
    expect(logs.with({ msg: "the log of events answers again" }).length).toBeGreaterThan(0);
  });

  test("says once that it is away, and that it is back", async () => {
    let away = 20;
    const source: EventSource = {
      source: "tests",
      follow(from, signal) {
        if (away-- > 0) throw new ClientError("/p.S/M", Status.UNAVAILABLE, "nobody there");
        return store.log.follow(from, signal);
      },
    };
    await store.note("a", "one");

    consume({ sources: [source] }).start();

    await until(store.effects, ["one"]);
    expect(logs.with({ msg: "the log of events does not answer: tried again" })).toMatchObject([
      { source: "tests", reason: "UNAVAILABLE: nobody there" },
    ]);
    expect(logs.with({ msg: "the log of events answers again" })).toHaveLength(1);
  });

  test("is read from its oldest event when it has forgotten some, and nothing is had twice", async () => {
    const consumer = consume();
    consumer.start();
    await store.note("a", "one", "two");
    await until(store.effects, ["one", "two"]);
    await consumer.close();
    await store.note("a", "three", "four");
    await store.db.deleteFrom("event_log").where("position", "=", 3).execute();

    consume({ metrics: new Registry() }).start();

    // Three is gone for good, but what comes after it is not.
    await until(store.effects, ["one", "two", "four"]);
    expect(
      logs.with({ msg: "the log does not go on from where it was handled: it is read from its beginning" }).length,
    ).toBeGreaterThan(0);
  });

  test("is read from its beginning when it was restored to what it was before", async () => {
    const consumer = consume();
    consumer.start();
    await store.note("a", "one", "two", "three");
    await until(store.effects, ["one", "two", "three"]);
    await consumer.close();
    await store.db.deleteFrom("event_log").where("position", ">", 1).execute();
    await store.db.updateTable("event_log_head").set({ last_position: 1 }).execute();
    await store.note("a", "another");

    consume({ metrics: new Registry() }).start();

    await until(store.effects, ["one", "two", "three", "another"]);
  });

  test("is read from its beginning when it was restored and has grown past the cursor since, by several replicas too", async () => {
    const consumer = consume();
    consumer.start();
    await store.note("a", "one", "two");
    const restore = await store.backUpLog();
    await store.note("a", "three", "four");
    await until(store.effects, ["one", "two", "three", "four"]);
    await consumer.close();
    await restore();
    await store.note("a", "new three", "new four");
    await store.note("b", "new five", "new six");

    consume({ metrics: new Registry() }).start();
    consume({ metrics: new Registry() }).start();

    const all = ["one", "two", "three", "four", "new three", "new four", "new five", "new six"];
    await until(store.effects, all);
    await until(position(consumers[1]), 6);
    await store.note("a", "seven");
    await until(store.effects, [...all, "seven"]);
    const message = "the log does not go on from where it was handled: it is read from its beginning";
    expect(logs.with({ msg: message })).toMatchObject([{ source: "tests", cursor: 4 }]);
  });

  test("is read from its beginning when it was restored while it was followed", async () => {
    consume().start();
    await store.note("a", "one");
    const restore = await store.backUpLog();
    await store.note("a", "two", "three");
    await until(store.effects, ["one", "two", "three"]);

    await restore();
    await store.note("a", "new two");
    await until(store.effects, ["one", "two", "three", "new two"]);
    await store.note("a", "new three", "new four");

    await until(store.effects, ["one", "two", "three", "new two", "new three", "new four"]);
  });

  test("goes on where a store says that was made before it noted which event is there", async () => {
    await using old = await testDatabase();
    const logger = createLogger({ name: "test", level: "silent" });
    const before = await openDatabase<TestSchema>({ url: old.url, migrations: firstMigrations, logger });
    await sql`insert into event_cursors (source, position, handled_at_ms) values ('tests', 1, 0)`.execute(before.db);
    await before.close();
    const upgraded = await openTestStore(old.url, logger);
    await using _ = { [Symbol.asyncDispose]: upgraded.close };
    const consumer = consume({ db: upgraded.db, sources: [upgraded.log] });
    await upgraded.note("a", "one", "two");
    consumer.start();
    await until(upgraded.effects, ["two"]);
    await consumer.close();

    // As a replica does that was not upgraded yet.
    await upgraded.note("a", "three", "four");
    await upgraded.db.updateTable("event_cursors").set({ position: 3 }).execute();
    const next = consume({ db: upgraded.db, sources: [upgraded.log], metrics: new Registry() });
    next.start();

    await until(upgraded.effects, ["two", "four"]);
    await next.close();
    expect(logs.with({ level: 50 })).toEqual([]);
  });
});

describe("a replay", () => {
  test("hands over again what has happened since, in its order, and the rest goes on", async () => {
    const consumer = consume();
    consumer.start();
    await store.note("a", "old");
    await store.db
      .updateTable("event_log")
      .set({ time_ms: Date.now() - DAY_MS })
      .execute();
    await store.note("a", "one", "two");
    await until(position(), 3);

    await consumer.replay("tests", new Date(Date.now() - DAY_MS / 2));

    await until(store.effects, ["old", "one", "two", "one", "two"]);
    await until(async () => (await consumer.state())[0]?.replay, undefined);
    await store.note("a", "three");
    await until(store.effects, ["old", "one", "two", "one", "two", "three"]);
  });

  test("goes on in the next process", async () => {
    const first = consume();
    first.start();
    await store.note("a", "one", "two");
    await until(position(), 2);
    await first.close();
    await first.replay("tests", new Date(0));

    consume({ metrics: new Registry() }).start();

    await until(store.effects, ["one", "two", "one", "two"]);
    await until(async () => (await consumers[1]?.state())?.[0]?.replay, undefined);
  });

  test("goes on in a replica that was there already", async () => {
    const first = consume();
    first.start();
    await store.note("a", "one", "two");
    await until(position(), 2);
    await first.close();
    jest.useFakeTimers({ doNotFake: ["Date", "nextTick", "performance", "queueMicrotask", "setImmediate", "setInterval"] });
    const second = consume({ metrics: new Registry() });
    second.start();
    await second.state();
    await first.replay("tests", new Date(0));

    jest.advanceTimersByTime(60_000);
    jest.useRealTimers();

    await until(store.effects, ["one", "two", "one", "two"]);
  });

  test("keeps the order of a subject when one that is set aside in it is handled after all", async () => {
    const broken = new Set<string>();
    const consumer = consume({ subscriptions: [failing(broken)] });
    consumer.start();
    await store.note("a", "placed", "cancelled");
    await store.note("b", "other");
    await until(position(), 3);
    broken.add("placed");

    await consumer.replay("tests", new Date(0));
    await until(async () => (await consumer.state())[0]?.replay, undefined);
    expect(await store.effects()).toEqual(["placed", "cancelled", "other", "other"]);
    broken.clear();
    await consumer.setAside.retry({}, new AbortController().signal);

    expect((await store.effects()).slice(4)).toEqual(["placed", "cancelled"]);
    expect(await consumer.setAside.count()).toBe(0);
  });

  test("is not held up by a later event of the subject that is set aside", async () => {
    const consumer = consume({ subscriptions: [failing(new Set(["cancelled"]))] });
    consumer.start();
    await store.note("a", "placed", "cancelled");
    await until(position(), 2);

    await consumer.replay("tests", new Date(0));

    await until(store.effects, ["placed", "placed"]);
    expect(await consumer.setAside.count()).toBe(1);
  });

  test("begins anew with what is kept when the log has forgotten where it was", async () => {
    const first = consume();
    first.start();
    await store.note("a", "one", "two", "three");
    await until(position(), 3);
    await first.close();
    await first.replay("tests", new Date(0));
    await store.db.updateTable("event_replays").set({ position: 1 }).execute();
    await store.db.deleteFrom("event_log").where("position", "<", 3).execute();

    consume({ metrics: new Registry() }).start();

    await until(store.effects, ["one", "two", "three", "three"]);
    await until(async () => (await consumers[1]?.state())?.[0]?.replay, undefined);
  });

  test("ends where a log ends that was restored to what it was before", async () => {
    const consumer = consume();
    await store.note("a", "one");
    await consumer.handle({ ...testEvent(Noted, { text: "lost" }, { ...SOURCE, subject: "a" }), position: 7n });
    await consumer.replay("tests", new Date(0));

    await until(store.effects, ["lost", "one"]);
    await until(async () => (await consumer.state())[0]?.replay, undefined);
  });

  test("that takes the place of another one hands over all that it is to", async () => {
    const gates = { one: Promise.withResolvers<void>(), three: Promise.withResolvers<void>() };
    const reached: string[] = [];
    const slow = writeDown(async (text) => {
      reached.push(text);
      if (reached.length > 3 && (text === "one" || text === "three")) await gates[text].promise;
    });
    const consumer = consume({ subscriptions: [slow] });
    consumer.start();
    await store.note("a", "one");
    await store.db
      .updateTable("event_log")
      .set({ time_ms: Date.now() - DAY_MS })
      .execute();
    await store.note("a", "two", "three");
    await until(position(), 3);
    await consumer.replay("tests", new Date(Date.now() - DAY_MS / 2));
    await until(() => reached.slice(3), ["two", "three"]);

    await consumer.replay("tests", new Date(0));
    await until(() => reached.slice(5), ["one"]);
    gates.three.resolve();
    await until(async () => /type="test.Noted",outcome="known"\} 1/.test(await metrics.metrics()), true);
    gates.one.resolve();

    await until(store.effects, ["one", "two", "three", "two", "one", "two", "three"]);
    await until(async () => (await consumer.state())[0]?.replay, undefined);
  });

  test("leaves alone what is set aside", async () => {
    const tried: string[] = [];
    const consumer = consume({ subscriptions: [failing(new Set(["bad"]), tried)] });
    consumer.start();
    await store.note("a", "bad", "after");
    await until(position(), 2);
    tried.length = 0;

    await consumer.replay("tests", new Date(0));

    await until(async () => (await consumer.state())[0]?.replay, undefined);
    expect(tried).toEqual([]);
  });

  test("is refused for a source whose events are not handled here", async () => {
    await expect(consume().replay("others", new Date(0))).rejects.toMatchObject({ kind: "not-found" });
  });
});

test("tells whether events come at all", async () => {
  let away = true;
  const source: EventSource = {
    source: "tests",
    follow(from, signal) {
      if (away) throw new ClientError("/p.S/M", Status.UNAVAILABLE, "nobody there");
      return store.log.follow(from, signal);
    },
  };
  consume({ sources: [source] }).start();

  await logs.find({ msg: "the log of events does not answer: tried again" });
  expect(await metrics.metrics()).toContain('bookmesh_events_connected{source="tests"} 0');
  away = false;

  await until(async () => (await metrics.metrics()).includes('bookmesh_events_connected{source="tests"} 1'), true);
});

test("tells how far it is behind", async () => {
  const gate = Promise.withResolvers<void>();
  const now = () => new Date(Date.now() + 60_000);
  const consumer = consume({ subscriptions: [writeDown(() => gate.promise)], time: { now } });
  await store.note("a", "one", "two", "three");
  consumer.start();

  await until(async () => (await consumer.state())[0]?.newestPosition, 3);
  const behind = await metrics.metrics();
  gate.resolve();

  expect(behind).toContain('bookmesh_events_behind{source="tests"} 3');
  expect(behind).toMatch(/bookmesh_events_oldest_age_seconds\{source="tests"\} 60/);
  await until(store.effects, ["one", "two", "three"]);
  await until(async () => /bookmesh_events_behind\{source="tests"\} 0/.test(await metrics.metrics()), true);
});
