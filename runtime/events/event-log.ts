import { randomUUID } from "node:crypto";
import type { Kysely, Transaction } from "kysely";
import { currentCall } from "../call-context.ts";
import { Failure } from "../errors.ts";
import { reached } from "../steps.ts";
import { traceparentOf } from "../trace-context.ts";
import { Wakeups } from "../wakeups.ts";
import { type EventRow, type EventType, eventOf } from "./event.ts";
import type { EventLogSchema } from "./event-log-tables.ts";
import { EVENTS_GONE, type EventBatch, type LogStart } from "./event-source.ts";

export { type EventLogSchema, eventLogTables } from "./event-log-tables.ts";

const EVENTS_A_BATCH = 100;
/** Of data in base64. A batch has to fit into one message of gRPC. */
const CHARACTERS_A_BATCH = 1_048_576;
/** How many events are removed in one go: nobody waits long for the lock. */
const PRUNED_AT_ONCE = 1_000;

const LOG = "log";

/** A store whose schema has the tables of the log, among others. */
// biome-ignore lint/suspicious/noExplicitAny: the schema of a service has more tables than those, and Kysely's types are invariant.
export type AnyStore = Kysely<any>;
// biome-ignore lint/suspicious/noExplicitAny: likewise.
export type AnyTransaction = Transaction<any>;

/** How a log stands. */
export interface LogState {
  /** Of the oldest event that is kept; 0 if there is none. */
  readonly firstPosition: number;
  /** Of the newest event; 0 if there never was one. */
  readonly lastPosition: number;
  /** Up to where a broker has confirmed to have them. */
  readonly relayedPosition: number;
}

/** What has happened in a service, in the order in which it happened: the outbox of its store. */
export class EventLog {
  /** The service. */
  readonly source: string;
  readonly tables: Kysely<EventLogSchema>;
  readonly #now: () => Date;
  readonly #wakeups = new Wakeups<typeof LOG>();

  constructor(db: AnyStore, options: { source: string; now?: () => Date }) {
    this.tables = db;
    this.source = options.source;
    this.#now = options.now ?? (() => new Date());
  }

  /**
   * Notes what has happened in the transaction in which it happens: both are
   * there, or neither. It takes the lock of the log until the transaction ends,
   * so call it last.
   *
   * @param event.subject what it happened to: events of one subject are handled in their order.
   */
  async append<T>(transaction: AnyTransaction, type: EventType<T>, event: { subject: string; data: T }): Promise<void> {
    const tables: Transaction<EventLogSchema> = transaction;
    const { last_position: position } = await tables
      .updateTable("event_log_head")
      .set(({ eb }) => ({ last_position: eb("last_position", "+", 1) }))
      .returning("last_position")
      .executeTakeFirstOrThrow();
    const call = currentCall();
    const row = {
      ...{ position, id: randomUUID(), type: type.$type, subject: event.subject },
      time_ms: this.#now().getTime(),
      trace_parent: call === undefined ? "" : traceparentOf(call.trace),
      data: Buffer.from(type.encode(event.data).finish()).toString("base64"),
    };
    await tables.insertInto("event_log").values(row).execute();
    reached("events.log.appended");
  }

  /** Tells followers in this process that there may be something new. Call it after the commit. */
  wake(): void {
    this.#wakeups.wake(LOG);
  }

  /** Whether anybody in this process follows. */
  get followed(): boolean {
    return this.#wakeups.watched().length > 0;
  }

  /**
   * Every event after a position, oldest first, then each later one. The first batch comes at once, and may be empty.
   *
   * @throws Failure "out-of-range", reason EVENTS_GONE.
   * @throws AbortError when the signal aborts.
   */
  async *follow({ afterPosition, afterId = "", since }: LogStart, signal: AbortSignal): AsyncGenerator<EventBatch, never> {
    let place: Place = { position: await this.#startAfter(afterPosition), id: afterPosition === 0 ? "" : afterId };
    let first = true;
    const next = async function* (this: EventLog): AsyncGenerator<EventBatch> {
      while (true) {
        const batch = await this.#batch(place, since);
        if (first || batch.position > place.position) yield batch;
        first = false;
        place = placeAfter(batch, place);
        if (place.position >= batch.lastPosition) return;
      }
    };
    return yield* this.#wakeups.follow(LOG, signal, () => next.call(this));
  }

  async state(): Promise<LogState> {
    // The last before the first: an event that is appended meanwhile is not taken for one that has gone.
    const lastPosition = await this.lastPosition();
    const { relayed_position: relayedPosition } = await this.tables
      .selectFrom("event_relay")
      .select("relayed_position")
      .executeTakeFirstOrThrow();
    const first = await this.tables.selectFrom("event_log").select("position").orderBy("position").limit(1).executeTakeFirst();
    return { firstPosition: first?.position ?? 0, lastPosition, relayedPosition };
  }

  async lastPosition(): Promise<number> {
    const head = await this.tables.selectFrom("event_log_head").select("last_position").executeTakeFirstOrThrow();
    return head.last_position;
  }

  /**
   * Removes events that happened before a time, the oldest first and no gaps.
   *
   * @param limit.upTo the last position that may go: what a broker has not confirmed stays.
   * @returns how many.
   */
  async prune(before: Date, limit: { upTo?: number } = {}): Promise<number> {
    const upTo = limit.upTo ?? Number.MAX_SAFE_INTEGER;
    // The clocks of replicas differ: an old event behind a young one stays, so that no gap comes to be.
    const young = await this.tables
      .selectFrom("event_log")
      .select("position")
      .where("time_ms", ">=", before.getTime())
      .orderBy("position")
      .limit(1)
      .executeTakeFirst();
    let removed = 0;
    while (true) {
      const old = this.tables
        .selectFrom("event_log")
        .select("position")
        .where("position", "<=", upTo)
        .where("position", "<", young?.position ?? Number.MAX_SAFE_INTEGER)
        .where("time_ms", "<", before.getTime())
        .orderBy("position")
        .limit(PRUNED_AT_ONCE);
      const { numDeletedRows } = await this.tables.deleteFrom("event_log").where("position", "in", old).executeTakeFirst();
      removed += Number(numDeletedRows);
      if (Number(numDeletedRows) < PRUNED_AT_ONCE) return removed;
    }
  }

  async #startAfter(afterPosition: number): Promise<number> {
    const { firstPosition, lastPosition } = await this.state();
    const oldest = firstPosition === 0 ? lastPosition : firstPosition - 1;
    if (afterPosition === 0) return oldest;
    if (afterPosition < oldest || afterPosition > lastPosition) throw gone(this.source);
    return afterPosition;
  }

  async #batch({ position: after, id }: Place, since: Date | undefined): Promise<EventBatch> {
    // The head first: every event up to it can be seen, as both are written by one transaction.
    const { last_position: lastPosition, found } = await this.tables
      .selectFrom("event_log_head")
      .select((head) => [
        "last_position",
        head.selectFrom("event_log").select("event_log.id").where("event_log.position", "=", after).as("found"),
      ])
      .executeTakeFirstOrThrow();
    // The store was restored, maybe under this process. What is not kept any more, and what the reader does not know, tells nothing.
    if (lastPosition < after || (id !== "" && found !== null && found !== id)) throw gone(this.source);
    let query = this.tables
      .selectFrom("event_log")
      .selectAll()
      .where("position", ">", after)
      .where("position", "<=", lastPosition);
    if (since !== undefined) query = query.where("time_ms", ">=", since.getTime());
    const rows = await query.orderBy("position").limit(EVENTS_A_BATCH).execute();
    // Positions have no gaps, so what is missing was removed while the reader was slow.
    if (since === undefined && after < lastPosition && rows[0]?.position !== after + 1) throw gone(this.source);
    const sent = rows.slice(0, fitting(rows));
    const complete = sent.length === rows.length && rows.length < EVENTS_A_BATCH;
    return {
      events: sent.map((row) => eventOf(this.source, row)),
      position: complete ? lastPosition : (sent.at(-1)?.position ?? lastPosition),
      lastPosition,
    };
  }
}

/** Where in the log its reader is. */
interface Place {
  readonly position: number;
  /** Of the event with that position. Empty if it is not known. */
  readonly id: string;
}

function placeAfter({ events, position }: EventBatch, before: Place): Place {
  if (position === before.position) return before;
  const last = events.at(-1);
  // Those that the reader does not ask for may come after the last that it does.
  return { position, id: last !== undefined && Number(last.position) === position ? last.id : "" };
}

/** How many of the rows make one batch: at least one. */
function fitting(rows: readonly EventRow[]): number {
  let characters = 0;
  for (const [index, { data }] of rows.entries()) {
    characters += data.length;
    if (characters > CHARACTERS_A_BATCH) return Math.max(1, index);
  }
  return rows.length;
}

function gone(source: string): Failure {
  return new Failure("out-of-range", `the log of ${source} does not go on from that event`, { reason: EVENTS_GONE });
}
