import { ClientError, Status } from "nice-grpc-common";
import type { Logger } from "../logger.ts";
import type { Progress } from "./consumer-metrics.ts";
import type { Event } from "./event.ts";
import { inOneLine } from "./event-failures.ts";
import type { EventProcessor, Time } from "./event-processor.ts";
import { EVENTS_GONE, type EventBatch, type EventSource } from "./event-source.ts";
import type { Inbox } from "./inbox.ts";
import { CursorMoved, inOrder, replayed } from "./passage.ts";
import { retryDelayMs } from "./retry-delay.ts";

/** Handles the events of one source in the order of its log. */
export class SourceFollower<Schema> {
  readonly #source: EventSource;
  readonly #inbox: Inbox<Schema>;
  readonly #processor: EventProcessor<Schema>;
  readonly #logger: Logger;
  readonly #time: Time;
  #connected = false;
  #newest = 0;
  #handled = 0;
  #inHand: Event | undefined;

  constructor(options: {
    source: EventSource;
    inbox: Inbox<Schema>;
    processor: EventProcessor<Schema>;
    logger: Logger;
    time: Time;
  }) {
    this.#source = options.source;
    this.#inbox = options.inbox;
    this.#processor = options.processor;
    this.#logger = options.logger;
    this.#time = options.time;
  }

  get source(): string {
    return this.#source.source;
  }

  /** Whether events come. */
  get connected(): boolean {
    return this.#connected;
  }

  /** The position of the newest event that is known of. */
  get newest(): number {
    return this.#newest;
  }

  get progress(): Progress {
    const behind = Math.max(0, this.#newest - this.#handled);
    return { source: this.source, behind, oldestAt: this.#inHand?.time };
  }

  /** Follows the log, and comes back whenever that ends. Resolves when the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    await this.#keepTrying(signal, async (begun) => {
      await this.#read(signal, begun, () => false);
    });
  }

  /** Handles what the log holds after the cursor, and comes back until it is all done. */
  async catchUp(signal: AbortSignal): Promise<void> {
    await this.#keepTrying(signal, (begun) =>
      this.#read(signal, begun, ({ position, lastPosition }) => position >= lastPosition),
    );
  }

  /** Handles again what is to be replayed, if anything is. */
  async replay(signal: AbortSignal): Promise<void> {
    await this.#keepTrying(signal, (begun) => this.#replay(signal, begun));
  }

  /** Handles one event that came by another way than the log. @throws CursorMoved if events are missing before it. */
  async handleNext(event: Event, signal: AbortSignal): Promise<void> {
    await this.#handle(event, Number(event.position) - 1, signal);
  }

  /** @param attempt calls `begun` when the log answers. Returns when it is done; a failure is tried again. */
  async #keepTrying(signal: AbortSignal, attempt: (begun: () => void) => Promise<void>): Promise<void> {
    let failures = 0;
    let complained = false;
    const begun = () => {
      failures = 0;
      if (complained) this.#logger.info({ source: this.source }, "events come again");
      complained = false;
      this.#connected = true;
    };
    while (!signal.aborted) {
      try {
        return await attempt(begun);
      } catch (error) {
        this.#connected = false;
        if (signal.aborted) return;
        failures++;
        if (!complained && !isExpected(error)) {
          complained = true;
          this.#logger.warn({ source: this.source, reason: inOneLine(error) }, "events do not come: tried again");
        }
        await this.#time.wait(retryDelayMs(failures, this.#time.random), signal).catch(() => {});
      }
    }
  }

  /** Reads the log from the cursor on, until there is enough. */
  async #read(signal: AbortSignal, begun: () => void, enough: (batch: EventBatch) => boolean): Promise<void> {
    const cursor = await this.#inbox.cursor(this.source);
    this.#handled = cursor;
    let after = cursor;
    try {
      for await (const batch of this.#source.follow({ afterPosition: cursor }, signal)) {
        begun();
        this.#newest = batch.lastPosition;
        for (const event of batch.events) {
          signal.throwIfAborted();
          await this.#handle(event, after, signal);
          after = Number(event.position);
        }
        if (enough(batch)) return;
      }
    } catch (error) {
      if (!isGone(error)) throw error;
      this.#logger.error(
        { source: this.source, cursor },
        "events are gone that were not handled: the log is read from its beginning",
      );
      await this.#inbox.beginAnew(this.source, cursor);
    }
    throw new Ended(`the log of ${this.source} has ended`);
  }

  async #handle(event: Event, after: number, signal: AbortSignal): Promise<void> {
    this.#inHand = event;
    try {
      await this.#processor.process(event, inOrder(this.#inbox, after), { signal });
      this.#handled = Number(event.position);
      this.#newest = Math.max(this.#newest, this.#handled);
    } finally {
      this.#inHand = undefined;
    }
  }

  async #replay(signal: AbortSignal, begun: () => void): Promise<void> {
    const { tables } = this.#inbox;
    const replay = await tables.selectFrom("event_replays").selectAll().where("source", "=", this.source).executeTakeFirst();
    if (replay === undefined) return;
    const from = { afterPosition: replay.position, since: new Date(replay.since_ms) };
    let reached = replay.position;
    for await (const { events, position } of this.#source.follow(from, signal)) {
      begun();
      for (const event of events) {
        signal.throwIfAborted();
        if (event.position > replay.until_position) break;
        await this.#processor.process(event, replayed(this.#inbox), { signal });
      }
      reached = position;
      if (reached >= replay.until_position) break;
    }
    if (reached < replay.until_position) throw new Ended(`the log of ${this.source} has ended`);
    const done = tables.deleteFrom("event_replays").where("source", "=", this.source);
    await done.where("until_position", "=", replay.until_position).where("since_ms", "=", replay.since_ms).execute();
    this.#logger.info({ source: this.source, until: replay.until_position }, "events were replayed");
  }
}

/** A stream has come to its end. */
class Ended extends Error {
  override readonly name = "Ended";
}

function isGone(error: unknown): boolean {
  return Error.isError(error) && (error as { reason?: unknown }).reason === EVENTS_GONE;
}

/** What is part of the life of a stream. */
function isExpected(error: unknown): boolean {
  if (error instanceof ClientError) return error.code === Status.DEADLINE_EXCEEDED;
  return error instanceof CursorMoved || error instanceof Ended;
}
