import type { Kysely } from "kysely";
import type { Registry } from "prom-client";
import { Failure } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { pollEvery } from "../poll.ts";
import { consumerMetrics } from "./consumer-metrics.ts";
import type { Event } from "./event.ts";
import { EventProcessor, systemTime, type Time } from "./event-processor.ts";
import type { EventSource } from "./event-source.ts";
import { Inbox } from "./inbox.ts";
import { alone } from "./passage.ts";
import { QueueFollower } from "./queue-follower.ts";
import { SetAsideEvents } from "./set-aside.ts";
import { SourceFollower } from "./source-follower.ts";
import type { Subscription } from "./subscription.ts";

export { type EventConsumerSchema, eventConsumerTables, eventCursorIds } from "./event-consumer-tables.ts";
export { type EventHandler, on, type Subscription } from "./subscription.ts";

const DAY_MS = 86_400_000;
const FORGET_EVERY_MS = 3_600_000;
/** How soon is done what another replica was to do and did not live to: to handle what it has set free, and to replay. */
const TAKE_OVER_EVERY_MS = 60_000;
const RETENTION_DAYS = 30;

export interface EventConsumerOptions<Schema> {
  /** The service. */
  name: string;
  /** Its schema has eventConsumerTables. */
  db: Kysely<Schema>;
  /** Whose events. */
  sources: readonly EventSource[];
  /** Which events: others are passed over. */
  subscriptions: readonly Subscription<Schema>[];
  logger: Logger;
  metrics: Registry;
  /** The broker that carries the events. Without one they are read from the logs of the sources. */
  amqpUrl?: string | undefined;
  /** How long logs keep their events: twice as long it is known what was handled. */
  eventRetentionDays?: number;
  time?: Partial<Time>;
}

/** How far one log was handled. */
export interface SourceState {
  readonly source: string;
  readonly position: number;
  readonly handledAt: Date | undefined;
  readonly connected: boolean;
  readonly newestPosition: number;
  readonly replay: { readonly position: number; readonly untilPosition: number } | undefined;
}

/**
 * Handles the events of other services, each exactly once and those of one
 * subject in the order in which they happened, however many replicas share the store.
 */
export class EventConsumer<Schema> {
  readonly name: string;
  readonly setAside: SetAsideEvents<Schema>;
  readonly #inbox: Inbox<Schema>;
  readonly #processor: EventProcessor<Schema>;
  readonly #followers: readonly SourceFollower<Schema>[];
  /** Where a broker carries the events. */
  readonly #queue: QueueFollower<Schema> | undefined;
  readonly #logger: Logger;
  readonly #time: Time;
  readonly #retentionDays: number;
  readonly #stop = new AbortController();
  readonly #replays = new Map<string, AbortController>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: EventConsumerOptions<Schema>) {
    const { name, db, logger } = options;
    this.name = name;
    this.#logger = logger;
    this.#retentionDays = options.eventRetentionDays ?? RETENTION_DAYS;
    const time: Time = { ...systemTime, ...options.time };
    this.#time = time;
    const inbox = new Inbox(db, time.now);
    this.#inbox = inbox;
    const metrics = consumerMetrics(options.metrics, {
      progress: () => this.#followers.map(({ progress }) => progress),
      setAsideCount: () => inbox.setAsideCount(),
      now: time.now,
    });
    this.#processor = new EventProcessor({ inbox, subscriptions: options.subscriptions, logger, metrics, time });
    this.setAside = new SetAsideEvents(inbox, this.#processor);
    this.#followers = options.sources.map(
      (source) => new SourceFollower({ source, inbox, processor: this.#processor, logger, time }),
    );
    const { amqpUrl } = options;
    this.#queue =
      amqpUrl === undefined ? undefined : new QueueFollower({ name, amqpUrl, followers: this.#followers, logger, time });
  }

  /** Begins to handle events, from where this service has stopped. */
  start(): void {
    const { signal } = this.#stop;
    if (this.#queue !== undefined) void this.#run(this.#queue.follow(signal));
    else for (const follower of this.#followers) void this.#run(follower.follow(signal));
    void this.#takeOver();
    void this.#run(this.#forget());
    const polls = [
      pollEvery(TAKE_OVER_EVERY_MS, () => this.#takeOver(), noFailure),
      pollEvery(FORGET_EVERY_MS, () => this.#run(this.#forget()), noFailure),
    ];
    signal.addEventListener("abort", () => {
      for (const stop of polls) void stop();
    });
  }

  /** Waits for the event in hand; the next one stays for later. */
  async close(): Promise<void> {
    this.#stop.abort();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Handles one event now, as if it had come from its source. Resolves when it is handled or set aside. */
  async handle(event: Event): Promise<void> {
    await this.#processor.process(event, alone(this.#inbox), { signal: this.#stop.signal });
  }

  /** Tells how far each log was handled. */
  async state(): Promise<SourceState[]> {
    const cursors = await this.#inbox.tables.selectFrom("event_cursors").selectAll().execute();
    const replays = await this.#inbox.tables.selectFrom("event_replays").selectAll().execute();
    return this.#followers.map(({ source, connected, newest }) => {
      const { position = 0, handled_at_ms: at = null } = cursors.find((row) => row.source === source) ?? {};
      const replay = replays.find((row) => row.source === source);
      return {
        ...{ source, position, connected },
        newestPosition: Math.max(newest, position),
        handledAt: at === null ? undefined : new Date(at),
        replay: replay && { position: replay.position, untilPosition: replay.until_position },
      };
    });
  }

  /** Gives up an event that is set aside; those that wait behind it are handled. @throws Failure "not-found". */
  async drop(event: { source: string; id: string }): Promise<void> {
    await this.setAside.drop(event);
    void this.#release();
  }

  /**
   * Handles again what has happened since a time and was handled. It goes on by
   * itself, also when this process is ended meanwhile.
   *
   * @throws Failure "not-found" if no events of such a source are handled here.
   */
  async replay(source: string, since: Date): Promise<void> {
    const follower = this.#followers.find((one) => one.source === source);
    if (follower === undefined) throw new Failure("not-found", "no events of such a source are handled here");
    const { position: until_position } = await this.#inbox.cursor(source);
    if (until_position === 0) return;
    const replay = { since_ms: since.getTime(), position: 0, until_position };
    await this.#inbox.tables
      .insertInto("event_replays")
      .values({ source, ...replay })
      .onConflict((conflict) => conflict.column("source").doUpdateSet(replay))
      .execute();
    this.#startReplay(follower);
  }

  #startReplay(follower: SourceFollower<Schema>): void {
    this.#replays.get(follower.source)?.abort();
    const replay = new AbortController();
    this.#replays.set(follower.source, replay);
    const running = this.#run(follower.replay(AbortSignal.any([this.#stop.signal, replay.signal])));
    void running.then(() => {
      if (this.#replays.get(follower.source) === replay) this.#replays.delete(follower.source);
    });
  }

  #takeOver(): Promise<void> {
    for (const follower of this.#followers) if (!this.#replays.has(follower.source)) this.#startReplay(follower);
    return this.#release();
  }

  #release(): Promise<void> {
    return this.#run(this.setAside.release(this.#stop.signal));
  }

  #forget(): Promise<void> {
    return this.#inbox.forget(new Date(this.#time.now().getTime() - 2 * this.#retentionDays * DAY_MS));
  }

  /** Lets `work` be waited for by close(). @returns a promise that does not reject. */
  async #run(work: Promise<void>): Promise<void> {
    const running = work.catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#logger.error({ err: error }, "events could not be worked on");
    });
    this.#running.add(running);
    await running;
    this.#running.delete(running);
  }
}

/** What is run reports its failures itself. */
function noFailure(): void {}
