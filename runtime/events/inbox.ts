import type { Kysely, Transaction } from "kysely";
import { type Event, rowOf } from "./event.ts";
import type { EventConsumerSchema, SetAsideRow } from "./event-consumer-tables.ts";

/** A statement has little time, and on SQLite nobody else has any meanwhile. */
const FORGOTTEN_AT_ONCE = 1_000;

/** Why an event is set aside. */
export interface SetAsideReason {
  /** In one line, without anything sensitive. Empty if it only waits behind another one. */
  readonly error: string;
  readonly attempts: number;
}

/** Up to where the log of a source was handled. */
export interface Cursor {
  readonly position: number;
  /** The id of the event there. Empty if there is none, or it is not known. */
  readonly id: string;
}

/** The tables of a consumer, in or outside of a transaction. */
export type Tables = Kysely<EventConsumerSchema>;

/** What a consumer knows of the events of others, in the store that it shares with its replicas. */
export class Inbox<Schema> {
  readonly tables: Tables;
  readonly #db: Kysely<Schema>;
  readonly #now: () => Date;

  constructor(db: Kysely<Schema>, now: () => Date) {
    this.#db = db;
    // The schema of the service has these tables, among others.
    this.tables = db as unknown as Tables;
    this.#now = now;
  }

  /**
   * Runs `work` in a transaction, as the only one that handles an event of that source.
   *
   * The lock is taken by a write: SQLite lets nobody wait who has begun to read.
   */
  underLock<T>(
    source: string,
    work: (tables: Tables, cursor: number, transaction: Transaction<Schema>) => Promise<T>,
  ): Promise<T> {
    return this.#db.transaction().execute(async (transaction) => {
      const tables = transaction as unknown as Tables;
      const { position } = await tables
        .insertInto("event_cursors")
        .values({ source, position: 0, handled_at_ms: null, event_id: "", event_position: 0 })
        .onConflict((conflict) => conflict.column("source").doUpdateSet({ source }))
        .returning("position")
        .executeTakeFirstOrThrow();
      return work(tables, position, transaction);
    });
  }

  /** Up to where the log of a source was handled. */
  async cursor(source: string): Promise<Cursor> {
    const row = await this.tables.selectFrom("event_cursors").selectAll().where("source", "=", source).executeTakeFirst();
    if (row === undefined) return { position: 0, id: "" };
    return { position: row.position, id: row.event_position === row.position ? row.event_id : "" };
  }

  /** Begins the log of a source anew, unless somebody else has moved the cursor since it was read. @returns whether it does. */
  async beginAnew(source: string, { position }: Cursor): Promise<boolean> {
    const update = this.tables.updateTable("event_cursors").set({ position: 0 });
    const { numUpdatedRows } = await update.where("source", "=", source).where("position", "=", position).executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async moveCursor(tables: Tables, { source, position, id }: Event): Promise<void> {
    const to = { position: Number(position), event_id: id, event_position: Number(position) };
    const update = tables.updateTable("event_cursors").set({ ...to, handled_at_ms: this.#now().getTime() });
    await update.where("source", "=", source).where("position", "<", to.position).execute();
  }

  /** Whether an event was handled, or is set aside. */
  async isKnown(tables: Tables, { source, id }: Event): Promise<boolean> {
    const inbox = tables.selectFrom("event_inbox").select("id").where("source", "=", source).where("id", "=", id);
    if ((await inbox.executeTakeFirst()) !== undefined) return true;
    return this.isSetAside(tables, { source, id });
  }

  async isSetAside(tables: Tables, { source, id }: Pick<Event, "source" | "id">): Promise<boolean> {
    const row = tables.selectFrom("set_aside_events").select("id").where("source", "=", source).where("id", "=", id);
    return (await row.executeTakeFirst()) !== undefined;
  }

  /** Whether another event of the same subject is set aside. */
  async isBlocked(tables: Tables, { source, subject }: Event): Promise<boolean> {
    return (await firstSetAside(tables, { source, subject })) !== undefined;
  }

  /** Whether an event of the same subject that happened before is set aside. */
  async waitsBehindEarlier(tables: Tables, { source, subject, position }: Event): Promise<boolean> {
    const first = await firstSetAside(tables, { source, subject });
    return first !== undefined && first < Number(position);
  }

  async noteHandled(tables: Tables, { source, id }: Pick<Event, "source" | "id">): Promise<void> {
    const row = { source, id, handled_at_ms: this.#now().getTime() };
    await tables
      .insertInto("event_inbox")
      .values(row)
      .onConflict((conflict) => conflict.columns(["source", "id"]).doNothing())
      .execute();
  }

  async setAside(tables: Tables, event: Event, { error, attempts }: SetAsideReason): Promise<void> {
    const reason = { error, attempts, set_aside_at_ms: this.#now().getTime() };
    await tables
      .insertInto("set_aside_events")
      .values({ source: event.source, ...rowOf(event), ...reason })
      .onConflict((conflict) => conflict.columns(["source", "id"]).doUpdateSet(reason))
      .execute();
  }

  /** Takes an event out of those that are set aside. @returns it, if it was there. */
  takeBack(tables: Tables, { source, id }: Pick<Event, "source" | "id">): Promise<SetAsideRow | undefined> {
    const removed = tables.deleteFrom("set_aside_events").where("source", "=", source).where("id", "=", id);
    return removed.returningAll().executeTakeFirst();
  }

  async setAsideCount(): Promise<number> {
    const { count } = await this.tables
      .selectFrom("set_aside_events")
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
    return count;
  }

  /** Forgets what was handled before a time, the oldest first: however much that is, nobody waits long for it. */
  async forget(before: Date): Promise<void> {
    const old = this.tables.selectFrom("event_inbox").select(["source", "id"]).where("handled_at_ms", "<", before.getTime());
    const some = old.orderBy("handled_at_ms").limit(FORGOTTEN_AT_ONCE).$asTuple("source", "id");
    while (true) {
      const { numDeletedRows } = await this.tables
        .deleteFrom("event_inbox")
        .where(({ eb, refTuple }) => eb(refTuple("source", "id"), "in", some))
        .executeTakeFirst();
      if (Number(numDeletedRows) < FORGOTTEN_AT_ONCE) return;
    }
  }
}

/** The position of the first event of a subject that is set aside. Events without a subject wait for nothing. */
async function firstSetAside(
  tables: Tables,
  { source, subject }: Pick<Event, "source" | "subject">,
): Promise<number | undefined> {
  if (subject === "") return undefined;
  const rows = tables.selectFrom("set_aside_events").select("position").where("source", "=", source);
  return (await rows.where("subject", "=", subject).orderBy("position").limit(1).executeTakeFirst())?.position;
}
