import type { Generated, Kysely, Transaction } from "kysely";
import type { EventConsumerSchema } from "../../runtime/events/event-consumer-tables.ts";
import type { Interaction } from "./interaction.ts";

interface InteractionRow {
  kind: "bought" | "rated";
  origin_id: string;
  book_id: number;
  user_id: string;
  rating: number;
  counts: number;
  /** Compared by replicas of an earlier version, which may run beside this one. */
  happened_at_ms: number;
  position: Generated<number>;
  revision: number;
}

export interface InteractionsSchema extends Pick<EventConsumerSchema, "event_cursors"> {
  interactions_head: { store_id: string; revision: number };
  interactions: InteractionRow;
  /** Users who are deleted. */
  forgotten_readers: { user_id: string; revision: number };
}

/** What has become of a purchase or a rating. */
export interface Change {
  kind: "bought" | "rated";
  /** The id of the Order or of the Review. */
  originId: string;
  bookIds: readonly number[];
  userId: string;
  /** 0 for a purchase. */
  rating: number;
  /** Whether it is there, or was cancelled or taken back. */
  counts: boolean;
  happenedAt: Date;
  /** In the log of its source: an older change does not undo a newer one of the same purchase or rating. */
  position: bigint;
}

/** Which store it is, and how often it has changed. */
export interface StoreState {
  storeId: string;
  revision: number;
}

/** Readers with what they have done. */
export type Readers = ReadonlyMap<string, readonly Interaction[]>;

/** What readers have bought and rated. */
export interface InteractionStore {
  /** What one reader has done: as bought and as rated, if it was both. In the same order, whatever was done first. */
  of(userId: string): Promise<Interaction[]>;
  state(): Promise<StoreState>;
  /** Those whose interactions have changed after a revision, without what they have done. */
  changedAfter(revision: number): Promise<string[]>;
  /** What these readers have done. Who has done nothing, any more, is not in it. */
  ofEach(userIds: readonly string[]): Promise<Readers>;
  /** Some readers: those that come next after `userId` in the order of the store. @returns also the last of them, undefined if there are none. */
  page(afterUserId: string): Promise<{ readers: Readers; last: string | undefined }>;
}

/** SQLite takes 32,766 parameters in a query, PostgreSQL 65,535. */
const READERS_A_QUERY = 5_000;
const READERS_A_PAGE = 1_000;

/** Where all of one kind comes from. */
const SOURCES = { bought: "orders", rated: "reviews" } as const;

/** Writes a change, in the transaction in which an event is handled. Of a reader who is forgotten it writes nothing. */
export async function noteChange(transaction: Transaction<InteractionsSchema>, change: Change): Promise<void> {
  if (change.bookIds.length === 0) return;
  const revision = await nextRevision(transaction);
  await outdateLost(transaction, change.kind);
  const forgotten = transaction.selectFrom("forgotten_readers").select("user_id").where("user_id", "=", change.userId);
  if ((await forgotten.executeTakeFirst()) !== undefined) return;
  const rows = [...new Set(change.bookIds)].map((bookId) => ({
    ...{ kind: change.kind, origin_id: change.originId, book_id: bookId, user_id: change.userId, rating: change.rating },
    ...{ counts: change.counts ? 1 : 0, happened_at_ms: change.happenedAt.getTime(), revision },
    position: Number(change.position),
  }));
  await transaction
    .insertInto("interactions")
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(["kind", "origin_id", "book_id"])
        .doUpdateSet(({ ref }) => ({
          ...{ rating: ref("excluded.rating"), counts: ref("excluded.counts"), user_id: ref("excluded.user_id") },
          ...{ happened_at_ms: ref("excluded.happened_at_ms"), revision: ref("excluded.revision") },
          position: ref("excluded.position"),
        }))
        // Not by time: the clocks of a source's replicas differ.
        .whereRef("interactions.position", "<=", "excluded.position"),
    )
    .execute();
}

/**
 * Makes what the log of a source does not have any more older than whatever it has.
 *
 * When a source is restored to what it was before, its log gives out positions
 * again, and is read from its beginning. All that is noted was handled, so only
 * what was lost then is ahead of the cursor. It holds until the log, or a replay
 * of it, says something else of the same purchase or rating, at whatever position.
 * While the log is being read anew, what is still to be passed looks lost too:
 * only a replay at that very time could outdate it, and the next one sets it right.
 *
 * By time and id that cannot be told: what the log still has happened before what
 * it has lost and was handled before, as everything that a replay repeats.
 */
async function outdateLost(transaction: Transaction<InteractionsSchema>, kind: Change["kind"]): Promise<void> {
  await transaction
    .updateTable("interactions")
    .set({ position: 0 })
    .where("kind", "=", kind)
    .where("position", ">", ({ selectFrom }) =>
      selectFrom("event_cursors").select("event_cursors.position").where("source", "=", SOURCES[kind]),
    )
    .execute();
}

/** Removes what a reader has done, for good: what comes of the reader later is not written. Who learns hears of it. */
export async function forgetReader(transaction: Transaction<InteractionsSchema>, userId: string): Promise<void> {
  if (userId === "") throw new Error("the event does not say which user was deleted");
  const revision = await nextRevision(transaction);
  await transaction.deleteFrom("interactions").where("user_id", "=", userId).execute();
  await transaction
    .insertInto("forgotten_readers")
    .values({ user_id: userId, revision })
    .onConflict((conflict) => conflict.column("user_id").doUpdateSet({ revision }))
    .execute();
}

/** Takes the lock on all interactions until the transaction ends. */
async function nextRevision(transaction: Transaction<InteractionsSchema>): Promise<number> {
  const { revision } = await transaction
    .updateTable("interactions_head")
    .set((update) => ({ revision: update("revision", "+", 1) }))
    .returning("revision")
    .executeTakeFirstOrThrow();
  return revision;
}

/** The interactions in a store that has their tables. */
export function interactionStore(db: Kysely<InteractionsSchema>): InteractionStore {
  const those = () => db.selectFrom("interactions").select(["user_id", "kind", "book_id", "rating"]).where("counts", "=", 1);
  return {
    async of(userId) {
      const own = those().where("user_id", "=", userId);
      return (await own.orderBy("book_id").orderBy("kind").orderBy("origin_id").execute()).map(interactionOf);
    },

    async state() {
      const { store_id: storeId, revision } = await db.selectFrom("interactions_head").selectAll().executeTakeFirstOrThrow();
      return { storeId, revision };
    },

    async changedAfter(revision) {
      const changed = db.selectFrom("interactions").select("user_id").distinct().where("revision", ">", revision);
      const forgotten = db.selectFrom("forgotten_readers").select("user_id").where("revision", ">", revision);
      const rows = await changed.unionAll(forgotten).execute();
      return rows.map(({ user_id: userId }) => userId);
    },

    async ofEach(userIds) {
      const rows: Row[] = [];
      for (let start = 0; start < userIds.length; start += READERS_A_QUERY) {
        rows.push(
          ...(await those()
            .where("user_id", "in", userIds.slice(start, start + READERS_A_QUERY))
            .execute()),
        );
      }
      return byReader(rows);
    },

    async page(afterUserId) {
      // A page ends where a reader ends, however much that one has done.
      const readers = db
        .selectFrom("interactions")
        .select("user_id")
        .distinct()
        .where("user_id", ">", afterUserId)
        .orderBy("user_id")
        .limit(READERS_A_PAGE);
      const last = (await readers.execute()).at(-1)?.user_id;
      if (last === undefined) return { readers: new Map(), last };
      const rows = await those().where("user_id", ">", afterUserId).where("user_id", "<=", last).execute();
      return { readers: byReader(rows), last };
    },
  };
}

type Row = Pick<InteractionRow, "user_id" | "kind" | "book_id" | "rating">;

function byReader(rows: readonly Row[]): Map<string, Interaction[]> {
  const readers = new Map<string, Interaction[]>();
  for (const row of rows) {
    const own = readers.get(row.user_id);
    if (own === undefined) readers.set(row.user_id, [interactionOf(row)]);
    else own.push(interactionOf(row));
  }
  return readers;
}

function interactionOf({ kind, book_id: bookId, rating }: Row): Interaction {
  return { bookId, bought: kind === "bought", rating };
}
