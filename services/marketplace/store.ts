import { sql } from "kysely";
import { type Database, openDatabase } from "../../runtime/database.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { BookStore } from "./book.ts";
import { addBooks, type NewBook, type Outcome } from "./intake.ts";
import { books } from "./migrations/0001-books.ts";
import { bookOf, type Schema } from "./schema.ts";

const LARGEST_ID = 2 ** 31 - 1;

export interface MarketplaceStore extends BookStore, Pick<Database<Schema>, "check" | "close"> {
  /** Adds Books or changes those that came from the same source before, all or none. */
  add(books: readonly NewBook[]): Promise<Outcome[]>;
}

/** Opens the catalogue at `url` and brings its schema up to date. It is empty at first. */
export async function openMarketplaceStore(url: string, logger: Logger): Promise<MarketplaceStore> {
  const { db, check, close } = await openDatabase<Schema>({ url, logger, migrations: { "0001-books": books } });
  const { catalogue_id: catalogueId } = await db.selectFrom("catalogue").select("catalogue_id").executeTakeFirstOrThrow();
  return {
    check,
    close,
    catalogueId,
    add: (books) => db.transaction().execute((transaction) => addBooks(transaction, books)),

    async get(id) {
      const row = await db.selectFrom("books").selectAll().where("id", "=", id).executeTakeFirst();
      return row && bookOf(row);
    },

    async getAll(ids) {
      if (ids.length === 0) return [];
      return (await db.selectFrom("books").selectAll().where("id", "in", ids).execute()).map(bookOf);
    },

    async list({ category, afterId, limit }) {
      let wanted = db.selectFrom("books");
      if (category !== undefined) wanted = wanted.where("category", "=", category);
      const { total } = await wanted.select(({ fn }) => fn.countAll<number>().as("total")).executeTakeFirstOrThrow();

      let page = wanted.selectAll().orderBy("title_key").orderBy("id");
      if (afterId !== undefined) {
        // A forged id may lie outside of what the column holds; PostgreSQL would refuse to compare.
        const id = Math.min(afterId, LARGEST_ID);
        const last = db.selectFrom("books").select("title_key").where("id", "=", id);
        page = page.where(({ eb, and, or }) =>
          or([eb("title_key", ">", last), and([eb("title_key", "=", last), eb("id", ">", id)])]),
        );
      }
      // One more than asked for tells whether there is a next page.
      const rows = await page.limit(limit + 1).execute();
      return { books: rows.slice(0, limit).map(bookOf), more: rows.length > limit, total };
    },

    async search(words, { offset, limit }) {
      let found = db.selectFrom("books");
      for (const word of words) found = found.where("search_text", "like", `% ${word}%`);
      const { total } = await found.select(({ fn }) => fn.countAll<number>().as("total")).executeTakeFirstOrThrow();

      const query = words.join(" ");
      const rows = await found
        .selectAll()
        // The title itself, then titles that begin so, then titles with all the words, then authors.
        .orderBy(({ case: when, eb, and }) =>
          when()
            .when("title_key", "=", query)
            .then(0)
            .when("title_key", "like", `${query}%`)
            .then(1)
            .when(and(words.map((word) => eb(sql<string>`' ' || title_key`, "like", `% ${word}%`))))
            .then(2)
            .else(3)
            .end(),
        )
        .orderBy("rating_count", "desc")
        .orderBy("title_key")
        .orderBy("id")
        .offset(offset)
        .limit(limit)
        .execute();
      return { books: rows.map(bookOf), total };
    },

    async countByCategory() {
      return db
        .selectFrom("books")
        .select(({ fn }) => ["category", fn.countAll<number>().as("bookCount")])
        .groupBy("category")
        .orderBy("category")
        .$castTo<{ category: never; bookCount: number }>()
        .execute();
    },

    async revision() {
      return (await db.selectFrom("catalogue").select("revision").executeTakeFirstOrThrow()).revision;
    },

    async changedAfter(revision, limit) {
      const rows = await db
        .selectFrom("books")
        .selectAll()
        .where("revision", ">", revision)
        .orderBy("revision")
        .orderBy("id")
        .limit(limit)
        .execute();
      return rows.map((row) => ({ book: bookOf(row), revision: row.revision }));
    },
  };
}
