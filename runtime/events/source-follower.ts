import { ClientError, Status } from "nice-grpc-common";
import type { Logger } from "../logger.ts";
import type { Progress } from "./consumer-metrics.ts";
import type { Event } from "./event.ts";
import { inOneLine } from "./event-failures.ts";
import type { EventProcessor, Time } from "./event-processor.ts";
import { EVENTS_GONE, type EventBatch, type EventSource } from "./event-source.ts";
import type { Inbox } from "./inbox.ts";
import { keepTrying } from "./keep-trying.ts";
import { CursorMoved, inOrder, PositionTaken, replayed } from "./passage.ts";

/** Handles the events of one source in the order of its log. */
export class SourceFollower<Schema> {
  readonly #source: EventSource;
  readonly #inbox: Inbox<Schema>;
  readonly #processor: EventProcessor<Schema>;
  readonly #logger: Logger;
  readonly #time: Time;
  /** Whether events come, from the log or from whoever else brings them. */
  connected = false;
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

  /** The position of the newest event that is known of. */
  get newest(): number {
    return this.#newest;
  }

  get progress(): Progress {
    const behind = Math.max(0, this.#newest - this.#handled);
    return { source: this.source, connected: this.connected, behind, oldestAt: this.#inHand?.time };
  }

  /** Follows the log, and comes back whenever that ends. Resolves when the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    await this.#keepTrying(signal, async (begun) => {
      const onBegun = () => {
        begun();
        this.connected = true;
      };
      await this.#read(signal, onBegun, () => false).finally(() => {
        this.connected = false;
      });
    });
  }

  /**
   * Handles what the log holds after the cursor, and comes back until it is all done.
   *
   * @param onFailure called when it has to come back.
   * @returns the position of the newest event of the log.
   */
  async catchUp(signal: AbortSignal, onFailure: () => void = () => {}): Promise<number> {
    let newest = 0;
    const done = ({ position, lastPosition }: EventBatch) => {
      newest = lastPosition;
      return position >= lastPosition;
    };
    await this.#keepTrying(signal, (begun) =>
      this.#read(signal, begun, done).catch((error: unknown) => {
        onFailure();
        throw error;
      }),
    );
    return newest;
  }

  /** Handles again what is to be replayed, if anything is. */
  async replay(signal: AbortSignal): Promise<void> {
    await this.#keepTrying(signal, (begun) => this.#replay(signal, begun));
  }

  /** Handles one event that came by another way than the log: what is missing before it is read there first. */
  async handleNext(event: Event, signal: AbortSignal): Promise<void> {
    const position = Number(event.position);
    this.#newest = Math.max(this.#newest, position);
    let caughtUp = false;
    while (true) {
      try {
        return await this.#handle(event, position - 1, signal);
      } catch (error) {
        if (!(error instanceof CursorMoved)) throw error;
        // All that the log has was handled, and the event is none of it.
        const strange = caughtUp && error instanceof PositionTaken;
        if (!strange) {
          const newest = await this.catchUp(signal);
          signal.throwIfAborted();
          caughtUp = true;
          // What the log does not have, as it was restored to what it was before, is not waited for.
          if (newest >= position) continue;
        }
        this.#logger.error({ source: this.source, event: event.id, position }, "an event is in no log: it is passed over");
        return;
      }
    }
  }

  #keepTrying(signal: AbortSignal, attempt: (begun: () => void) => Promise<void>): Promise<void> {
    return keepTrying({
      ...{ signal, time: this.#time, attempt, expected: isExpected },
      onAway: (error) =>
        this.#logger.warn({ source: this.source, reason: inOneLine(error) }, "the log of events does not answer: tried again"),
      onBack: () => this.#logger.info({ source: this.source }, "the log of events answers again"),
    });
  }

  /** Reads the log from the cursor on, until there is enough. */
  async #read(signal: AbortSignal, begun: () => void, enough: (batch: EventBatch) => boolean): Promise<void> {
    const cursor = await this.#inbox.cursor(this.source);
    this.#handled = cursor.position;
    let after = cursor.position;
    try {
      for await (const batch of this.#source.follow({ afterPosition: cursor.position, afterId: cursor.id }, signal)) {
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
      if (await this.#inbox.beginAnew(this.source, cursor)) {
        this.#logger.error(
          { source: this.source, cursor: cursor.position },
          "the log does not go on from where it was handled: it is read from its beginning",
        );
      }
    }
    throw new Ended(`the log of ${this.source} has ended`);
  }

  async #handle(event: Event, after: number, signal: AbortSignal): Promise<void> {
    this.#inHand = event;
    try {
      const heeded = this.#processor.heeds(event.type);
      await this.#processor.process(event, inOrder(this.#inbox, { after, heeded }), { signal });
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
    let ended = false;
    try {
      for await (const { events, position, lastPosition } of this.#source.follow(from, signal)) {
        begun();
        for (const event of events) {
          signal.throwIfAborted();
          if (event.position > replay.until_position) break;
          await this.#processor.process(event, replayed(this.#inbox, replay), { signal });
        }
        // A log that was restored to what it was before does not come as far as it once did.
        ended = position >= Math.min(replay.until_position, lastPosition);
        if (ended) break;
      }
    } catch (error) {
      if (!isGone(error)) throw error;
      await tables.updateTable("event_replays").set({ position: 0 }).where("source", "=", this.source).execute();
    }
    if (!ended) throw new Ended(`the log of ${this.source} has ended`);
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
