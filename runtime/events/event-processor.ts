import { setTimeout as sleep } from "node:timers/promises";
import { runInCall } from "../call-context.ts";
import type { Logger } from "../logger.ts";
import { reached } from "../steps.ts";
import { continueTrace } from "../trace-context.ts";
import type { ConsumerMetrics, Outcome } from "./consumer-metrics.ts";
import type { Event } from "./event.ts";
import { inOneLine, isAway, isUnwell } from "./event-failures.ts";
import type { Inbox, SetAsideReason } from "./inbox.ts";
import { CursorMoved, type Passage } from "./passage.ts";
import { retryDelayMs } from "./retry-delay.ts";
import { type Subscription, UndecodableEvent } from "./subscription.ts";

/** How often an event is tried before it is set aside. */
export const MOST_TRIES = 5;
/** A service that is not well counts as having failed that often before: its five tries take about a minute in all, and not three seconds. */
const UNWELL_FAILURES = 5;
/** How long the calls may take that one event leads to. */
const TIME_A_TRY_MS = 60_000;

/** How time passes: another way in tests. */
export interface Time {
  now(): Date;
  /** From 0 to 1. */
  random(): number;
  /** @throws AbortError when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemTime: Time = {
  now: () => new Date(),
  random: Math.random,
  async wait(ms, signal) {
    await sleep(ms, undefined, { signal });
  },
};

/** Handles events, each exactly once. */
export class EventProcessor<Schema> {
  readonly #inbox: Inbox<Schema>;
  readonly #subscriptions: ReadonlyMap<string, Subscription<Schema>>;
  readonly #logger: Logger;
  readonly #metrics: ConsumerMetrics;
  readonly #time: Time;

  constructor(options: {
    inbox: Inbox<Schema>;
    subscriptions: readonly Subscription<Schema>[];
    logger: Logger;
    metrics: ConsumerMetrics;
    time: Time;
  }) {
    this.#inbox = options.inbox;
    this.#subscriptions = new Map(options.subscriptions.map((subscription) => [subscription.type, subscription]));
    this.#logger = options.logger;
    this.#metrics = options.metrics;
    this.#time = options.time;
  }

  /** Whether events of that type are handled here. */
  heeds(type: string): boolean {
    return this.#subscriptions.has(type);
  }

  /**
   * Handles an event, or sets it aside: with backoff, for as long as it takes.
   *
   * @param options.signal ends it between two tries.
   * @param options.tries how often to try; with 1, also if a dependency is away.
   * @param options.before how often it was tried before.
   * @throws AbortError when the signal aborts.
   * @throws CursorMoved
   */
  async process(
    event: Event,
    passage: Passage,
    options: { signal: AbortSignal; tries?: number; before?: number },
  ): Promise<Outcome> {
    const { signal, tries = MOST_TRIES, before = 0 } = options;
    let failures = 0;
    let away = 0;
    let giveUp: SetAsideReason | undefined;
    while (true) {
      try {
        const outcome = await (giveUp === undefined ? this.#try(event, passage) : this.#setAside(event, passage, giveUp));
        if (outcome === "again") continue;
        this.#metrics.passed(event.source, this.heeds(event.type) ? event.type : "other", outcome);
        return outcome;
      } catch (error) {
        if (error instanceof CursorMoved) throw error;
        this.#metrics.retried(event.source);
        const { source, id, type } = event;
        if (tries > 1 && isAway(error)) {
          if (away++ === 0) this.#logger.warn({ err: error, source, event: id, type }, "an event waits for what is away");
          await this.#time.wait(retryDelayMs(away, this.#time.random), signal);
          continue;
        }
        // What cannot even be set aside waits until it can.
        if (giveUp !== undefined) failures = 0;
        failures++;
        if (giveUp === undefined && (failures >= tries || error instanceof UndecodableEvent)) {
          this.#logger.error({ err: error, source, event: id, type, attempts: before + failures }, "an event is set aside");
          giveUp = { error: inOneLine(error), attempts: before + failures };
          continue;
        }
        const unwell = isUnwell(error) ? UNWELL_FAILURES : 0;
        await this.#time.wait(retryDelayMs(unwell + failures, this.#time.random), signal);
      }
    }
  }

  /** @returns "again" if it need not wait any more. */
  async #try(event: Event, passage: Passage): Promise<Outcome | "again"> {
    const trace = continueTrace(event.traceParent || undefined);
    const call = { path: `events/${event.type}`, trace, deadline: Date.now() + TIME_A_TRY_MS };
    return runInCall(call, async () => {
      const foreseen = await passage.foresee(this.#inbox.tables, event);
      const subscription = this.#subscriptions.get(event.type);
      const effect = foreseen === "handle" ? await subscription?.prepare(event) : undefined;
      reached("events.consumer.handler-done");
      const outcome = await this.#inbox.underLock(event.source, async (tables, cursor, transaction) => {
        const admission = await passage.admit(tables, event, cursor);
        if (admission === "handle" && subscription !== undefined) {
          // The one that it would have waited for has just been handled.
          if (foreseen !== "handle") return "again";
          await effect?.(transaction);
          reached("events.consumer.effect-written");
          await this.#inbox.noteHandled(tables, event);
        }
        if (admission === "wait") await this.#inbox.setAside(tables, event, { error: "", attempts: 0 });
        await passage.passed(tables, event);
        reached("events.consumer.before-commit");
        if (admission === "known") return "known";
        if (admission === "wait") return "waiting";
        return subscription === undefined ? "skipped" : "handled";
      });
      reached("events.consumer.committed");
      return outcome;
    });
  }

  async #setAside(event: Event, passage: Passage, reason: SetAsideReason): Promise<Outcome> {
    return this.#inbox.underLock(event.source, async (tables, cursor) => {
      const admission = await passage.admit(tables, event, cursor);
      if (admission === "known") return "known";
      await this.#inbox.setAside(tables, event, admission === "wait" ? { error: "", attempts: 0 } : reason);
      await passage.passed(tables, event);
      return "set-aside";
    });
  }
}
