import { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import { type Database, openDatabase } from "../../runtime/database.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { CatalogueCopy } from "./follow-catalogue.ts";
import { shelfBooks } from "./migrations/0001-shelf-books.ts";

interface Schema {
  cursor: { revision: number };
  shelf_books: { id: number; book: string };
}

export interface RecommendationsStore extends CatalogueCopy, Pick<Database<Schema>, "check" | "close"> {
  /** Every Book of the copy. */
  books(): Promise<Book[]>;
}

/** Opens the copy of the catalogue at `url` and brings its schema up to date. */
export async function openRecommendationsStore(url: string, logger: Logger): Promise<RecommendationsStore> {
  const { db, check, close } = await openDatabase<Schema>({ url, logger, migrations: { "0001-shelf-books": shelfBooks } });
  return {
    check,
    close,

    async books() {
      const rows = await db.selectFrom("shelf_books").select("book").execute();
      return rows.map(({ book }) => Book.decode(Buffer.from(book, "base64")));
    },

    async revision() {
      return (await db.selectFrom("cursor").select("revision").executeTakeFirstOrThrow()).revision;
    },

    async put(books, revision) {
      await db.transaction().execute(async (transaction) => {
        await transaction.updateTable("cursor").set({ revision }).execute();
        if (books.length === 0) return;
        const rows = books.map((book) => ({ id: book.id, book: Buffer.from(Book.encode(book).finish()).toString("base64") }));
        await transaction
          .insertInto("shelf_books")
          .values(rows)
          .onConflict((conflict) => conflict.column("id").doUpdateSet((update) => ({ book: update.ref("excluded.book") })))
          .execute();
      });
    },

    async clear() {
      await db.transaction().execute(async (transaction) => {
        await transaction.updateTable("cursor").set({ revision: 0 }).execute();
        await transaction.deleteFrom("shelf_books").execute();
      });
    },
  };
}
