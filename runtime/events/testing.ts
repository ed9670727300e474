import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import { openDatabase } from "../database.ts";
import type { Logger } from "../logger.ts";
import type { EventType } from "./event.ts";
import { type EventConsumerSchema, eventConsumerTables, eventCursorIds, on } from "./event-consumer.ts";
import { EventLog, type EventLogSchema, eventLogTables } from "./event-log.ts";
import type { Subscription } from "./subscription.ts";

/** A store in which something happens, and in which that is handled too. */
export interface TestSchema extends EventLogSchema, EventConsumerSchema {
  /** What the events have led to, without any guard against doing it twice. */
  effects: { place: number; event_id: string; subject: string; text: string };
}

export interface Noted {
  text: string;
}

/** An event type whose data is a text. */
export const Noted: EventType<Noted> = {
  $type: "test.Noted",
  encode: ({ text }) => ({ finish: () => Buffer.from(text) }),
  decode(bytes) {
    const text = Buffer.from(bytes).toString();
    if (text.startsWith("broken")) throw new Error("no such text");
    return { text };
  },
};

/** Another one, which nobody handles. */
export const Unheard: EventType<Noted> = { ...Noted, $type: "test.Unheard" };

const effects: Migration = {
  async up(db) {
    await db.schema
      .createTable("effects")
      .addColumn("place", "bigint", (column) => column.notNull())
      .addColumn("event_id", "text", (column) => column.notNull())
      .addColumn("subject", "text", (column) => column.notNull())
      .addColumn("text", "text", (column) => column.notNull())
      .execute();
  },
};

/** Those of a store that was made before cursors had ids. */
export const firstMigrations = {
  ...{ "0001-effects": effects, "0002-event-log": eventLogTables, "0003-event-consumer": eventConsumerTables },
};

export async function openTestStore(url: string, logger: Logger) {
  const migrations = { ...firstMigrations, "0004-event-cursor-ids": eventCursorIds };
  const store = await openDatabase<TestSchema>({ url, migrations, logger });
  const log = new EventLog(store.db, { source: "tests" });
  return {
    ...store,
    log,
    /** Lets something happen for each text, in one transaction, and wakes who follows. */
    note: (subject: string, ...texts: string[]) => note(store.db, log, subject, texts),
    /** Makes a backup of the log. @returns what restores it, whatever has happened since. */
    backUpLog: () => backUpLog(store.db),
    /** The texts of the effects in the order in which they were had. */
    async effects(): Promise<string[]> {
      const rows = await store.db.selectFrom("effects").select("text").orderBy("place").execute();
      return rows.map(({ text }) => text);
    },
  };
}

export type TestStore = Awaited<ReturnType<typeof openTestStore>>;

async function backUpLog(db: Kysely<TestSchema>): Promise<() => Promise<void>> {
  const events = await db.selectFrom("event_log").selectAll().execute();
  const head = await db.selectFrom("event_log_head").selectAll().executeTakeFirstOrThrow();
  const relay = await db.selectFrom("event_relay").selectAll().executeTakeFirstOrThrow();
  return () =>
    db.transaction().execute(async (transaction) => {
      await transaction.deleteFrom("event_log").execute();
      if (events.length > 0) await transaction.insertInto("event_log").values(events).execute();
      await transaction.updateTable("event_log_head").set(head).execute();
      await transaction.updateTable("event_relay").set(relay).execute();
    });
}

async function note(db: Kysely<TestSchema>, log: EventLog, subject: string, texts: readonly string[]): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    for (const text of texts) await log.append(transaction, Noted, { subject, data: { text } });
  });
  log.wake();
}

/** Writes the text of each event down. @param before the slow part. */
export function writeDown(before: (text: string) => Promise<void> | void = () => {}): Subscription<TestSchema> {
  return on<Noted, TestSchema>(Noted, async ({ text }, event) => {
    await before(text);
    return async (transaction) => {
      const { count } = await transaction
        .selectFrom("effects")
        .select(({ fn }) => fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      const effect = { place: count + 1, event_id: event.id, subject: event.subject, text };
      await transaction.insertInto("effects").values(effect).execute();
    };
  });
}
