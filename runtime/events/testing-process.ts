// A replica that handles what is in the log of its own store, until there are as
// many effects as it is told; or, with "note", that notes texts in that log; or,
// with "relay", that hands on what is in it to a broker.
// Started with the store, and what to do, as arguments.
import { Registry } from "prom-client";
import { createLogger } from "../logger.ts";
import { EventConsumer } from "./event-consumer.ts";
import { Relay } from "./relay.ts";
import { startEventLog } from "./start-event-log.ts";
import { openTestStore, writeDown } from "./testing.ts";

const [url = "", work = "", ...texts] = process.argv.slice(2);
const logger = createLogger({ name: "replica", level: "silent" });
const store = await openTestStore(url, logger);

if (work === "note") {
  await store.note("a", ...texts);
} else if (work === "relay") {
  const stop = new AbortController();
  const relay = new Relay(store.log, { logger, metrics: new Registry(), amqpUrl: texts[0] ?? "" }).run(stop.signal);
  const unrelayed = async () => {
    const { lastPosition, relayedPosition } = await store.log.state();
    return lastPosition - relayedPosition;
  };
  while ((await unrelayed()) > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  stop.abort();
  await relay;
} else {
  const metrics = new Registry();
  const events = startEventLog(store.log, { logger, metrics, eventRetentionDays: 30, eventPollIntervalMs: 50 });
  const consumer = new EventConsumer({
    ...{ name: "replica", db: store.db, sources: [store.log], subscriptions: [writeDown()], logger, metrics },
  });
  consumer.start();
  while ((await store.effects()).length < Number(work)) await new Promise((resolve) => setTimeout(resolve, 10));
  await consumer.close();
  await events.close();
}
await store.close();
