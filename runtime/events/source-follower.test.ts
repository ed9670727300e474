import { Registry } from "prom-client";
import { testDatabase } from "../../test/support/database.ts";
import { testEvent } from "../../test/support/events.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { createLogger } from "../logger.ts";
import { consumerMetrics } from "./consumer-metrics.ts";
import { EventProcessor, systemTime as time } from "./event-processor.ts";
import { Inbox } from "./inbox.ts";
import { SourceFollower } from "./source-follower.ts";
import { Noted, openTestStore, writeDown } from "./testing.ts";

test("an event of a broker that the log does not have any more holds nobody up", async () => {
  await using database = await testDatabase();
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const store = await openTestStore(database.url, logger);
  await using _ = { [Symbol.asyncDispose]: store.close };
  const inbox = new Inbox(store.db, time.now);
  const metrics = consumerMetrics(new Registry(), {
    progress: () => [],
    setAsideCount: () => inbox.setAsideCount(),
    now: time.now,
  });
  const processor = new EventProcessor({ inbox, subscriptions: [writeDown()], logger, metrics, time });
  const follower = new SourceFollower({ source: store.log, inbox, processor, logger, time });
  await store.note("a", "one");
  const event = (text: string, position: bigint) => ({
    ...testEvent(Noted, { text }, { source: "tests", subject: "a" }),
    position,
  });
  const { signal } = new AbortController();

  await follower.handleNext(event("from before the log was restored", 500n), signal);
  await store.note("a", "two");
  await follower.handleNext(event("also in the log", 2n), signal);

  expect(await store.effects()).toEqual(["one", "also in the log"]);
  expect(logs.with({ msg: "an event is in no log: it is passed over", position: 500 })).toHaveLength(1);
});
