import type { Registry } from "prom-client";
import type { Logger } from "../logger.ts";
import { pollEvery } from "../poll.ts";
import type { EventLog } from "./event-log.ts";
import { type AlsoPublish, Relay } from "./relay.ts";

const DAY_MS = 86_400_000;
const PRUNE_EVERY_MS = 3_600_000;

export interface EventLogOptions {
  logger: Logger;
  metrics: Registry;
  /** The broker to hand the events on to. */
  amqpUrl?: string | undefined;
  eventRetentionDays: number;
  eventPollIntervalMs: number;
  alsoPublish?: AlsoPublish;
}

/** Begins to tell of what other replicas append, to hand events on to the broker if there is one, and to forget old ones. */
export function startEventLog(log: EventLog, options: EventLogOptions): { close(): Promise<void> } {
  const { logger } = options;
  let known = -1;
  const look = async () => {
    if (!log.followed) return;
    const last = await log.lastPosition();
    if (last !== known) log.wake();
    known = last;
  };
  const prune = async () => {
    const before = new Date(Date.now() - options.eventRetentionDays * DAY_MS);
    const { relayedPosition } = await log.state();
    const removed = await log.prune(before, options.amqpUrl === undefined ? {} : { upTo: relayedPosition });
    if (removed > 0) logger.info({ removed }, "old events were removed");
  };
  const onPruneError = (error: unknown) => logger.warn({ err: error }, "could not remove old events");
  // At once too: a process may never live for an hour.
  const pruned = prune().catch(onPruneError);
  const stops = [
    pollEvery(options.eventPollIntervalMs, look, (error) => logger.warn({ err: error }, "could not look for new events")),
    pollEvery(PRUNE_EVERY_MS, prune, onPruneError),
  ];
  const stop = new AbortController();
  const { amqpUrl, ...rest } = options;
  const relaying = amqpUrl === undefined ? undefined : new Relay(log, { ...rest, amqpUrl }).run(stop.signal);
  return {
    async close() {
      stop.abort();
      await Promise.all([pruned, relaying, ...stops.map((stopPolling) => stopPolling())]);
    },
  };
}
