import type { Transaction } from "kysely";
import type { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import { type BookRow, columnsOf, type Schema } from "./schema.ts";

/** A Book on its way into the catalogue. */
export interface NewBook {
  /** Who says that it exists: "bookmesh" for the built-in catalogue. */
  source: string;
  /** Its number there. */
  sourceId: number;
  /** The number it must have. The default is the next free one. */
  id?: number;
  book: Omit<Book, "id">;
}

/** What came of it. "known" is a book of the built-in catalogue that only gets the rating. */
export type Outcome = "added" | "changed" | "unchanged" | "known";

/** The source of the built-in catalogue. */
export const BUILT_IN = "bookmesh";

const ROWS_A_QUERY = 200;

/**
 * Adds Books to the catalogue, or changes those that came from the same source
 * before. Each gets a revision of its own, in the order given.
 *
 * A book that the built-in catalogue has too is not added a second time: the
 * one that is there keeps its words and gets the rating.
 */
export async function addBooks(db: Transaction<Schema>, books: readonly NewBook[]): Promise<Outcome[]> {
  // Takes the lock: of two that change the catalogue, one waits for the other.
  const state = await db
    .updateTable("catalogue")
    .set(({ ref }) => ({ revision: ref("revision") }))
    .returningAll()
    .executeTakeFirstOrThrow();
  let { revision, next_id: nextId } = state;

  const outcomes: Outcome[] = [];
  for (let start = 0; start < books.length; start += ROWS_A_QUERY) {
    const some = books.slice(start, start + ROWS_A_QUERY);
    const existing = await findExisting(db, some);
    const added = new Set<BookRow>();
    for (const { source, sourceId, id, book } of some) {
      const columns = columnsOf(book);
      const own = existing.bySource.get(`${source}:${sourceId}`);
      const builtIn = source === BUILT_IN ? undefined : existing.builtIn.get(columns.work_key);
      const target = own ?? builtIn;
      if (target === undefined) {
        const row = { ...columns, id: id ?? nextId, source, source_id: sourceId, revision: ++revision };
        nextId = Math.max(nextId, row.id + 1);
        added.add(row);
        // A source may say something twice at once.
        existing.bySource.set(`${source}:${sourceId}`, row);
        outcomes.push("added");
        continue;
      }
      const { rating_average, rating_count } = columns;
      const changes = own === undefined ? { rating_average, rating_count } : withoutRatingOfOthers(columns, source);
      // Of two editions of one work, the one that more have rated speaks for it, whichever comes first.
      const lessKnown = own === undefined && rating_count <= target.rating_count;
      const changed = !lessKnown && Object.entries(changes).some(([name, value]) => target[name as keyof BookRow] !== value);
      if (changed) {
        const values = { ...changes, revision: ++revision };
        Object.assign(target, values);
        if (!added.has(target)) await db.updateTable("books").set(values).where("id", "=", target.id).execute();
      }
      outcomes.push(own === undefined ? "known" : changed ? "changed" : "unchanged");
    }
    if (added.size > 0)
      await db
        .insertInto("books")
        .values([...added])
        .execute();
  }
  await db.updateTable("catalogue").set({ revision, next_id: nextId }).execute();
  return outcomes;
}

/** The built-in catalogue has no ratings; those that an import gave its books stay. */
function withoutRatingOfOthers(columns: ReturnType<typeof columnsOf>, source: string): Partial<BookRow> {
  if (source !== BUILT_IN) return columns;
  const { rating_average: _average, rating_count: _count, ...rest } = columns;
  return rest;
}

async function findExisting(db: Transaction<Schema>, books: readonly NewBook[]) {
  const sources = [...new Set(books.map(({ source }) => source))];
  const sourceIds = books.map(({ sourceId }) => sourceId);
  const works = books.map(({ book }) => columnsOf(book).work_key);
  const rows = await db
    .selectFrom("books")
    .selectAll()
    .where((where) =>
      where.or([
        where.and([where("source", "in", sources), where("source_id", "in", sourceIds)]),
        where.and([where("source", "=", BUILT_IN), where("work_key", "in", works)]),
      ]),
    )
    .execute();
  return {
    bySource: new Map(rows.map((row) => [`${row.source}:${row.source_id}`, row])),
    builtIn: new Map(rows.filter(({ source }) => source === BUILT_IN).map((row) => [row.work_key, row])),
  };
}
