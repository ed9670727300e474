import { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import { type Database, openDatabase } from "../../runtime/database.ts";
import type { EventConsumerSchema } from "../../runtime/events/event-consumer-tables.ts";
import { eventConsumerTables, eventCursorIds } from "../../runtime/events/event-consumer-tables.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { CatalogueCopy } from "./follow-catalogue.ts";
import { type InteractionStore, type InteractionsSchema, interactionStore } from "./interaction-store.ts";
import { shelfBooks } from "./migrations/0001-shelf-books.ts";
import { interactions } from "./migrations/0002-interactions.ts";
import { positions } from "./migrations/0004-positions.ts";
import { forgottenReaders } from "./migrations/0006-forgotten-readers.ts";
import { interactionPositions } from "./migrations/0007-interaction-positions.ts";

export interface Schema extends InteractionsSchema, EventConsumerSchema {
  cursor: { catalogue_id: string; revision: number };
  shelf_books: { id: number; book: string };
}

export interface RecommendationsStore extends CatalogueCopy, Database<Schema> {
  readonly interactions: InteractionStore;
  /** Every Book of the copy. Read position() before: Books that come in between are sent again then, not missed. */
  books(): Promise<Book[]>;
}

/** Opens the copy of the catalogue and what readers have done, at `url` and brings its schema up to date. */
export async function openRecommendationsStore(url: string, logger: Logger): Promise<RecommendationsStore> {
  const migrations = {
    ...{ "0001-shelf-books": shelfBooks, "0002-interactions": interactions, "0003-events": eventConsumerTables },
    ...{ "0004-positions": positions, "0005-event-cursor-ids": eventCursorIds },
    ...{ "0006-forgotten-readers": forgottenReaders, "0007-interaction-positions": interactionPositions },
  };
  const { db, check, close } = await openDatabase<Schema>({ url, logger, migrations });
  return {
    ...{ db, check, close, interactions: interactionStore(db) },

    async books() {
      const rows = await db.selectFrom("shelf_books").select("book").execute();
      return rows.map(({ book }) => Book.decode(Buffer.from(book, "base64")));
    },

    async position() {
      const { catalogue_id: catalogueId, revision } = await db.selectFrom("cursor").selectAll().executeTakeFirstOrThrow();
      return { catalogueId, revision };
    },

    async put(books, { catalogueId, revision }) {
      await db.transaction().execute(async (transaction) => {
        // Takes the lock: replicas may share a store.
        const stored = await transaction
          .updateTable("cursor")
          .set(({ ref }) => ({ revision: ref("revision") }))
          .returningAll()
          .executeTakeFirstOrThrow();
        if (stored.catalogue_id !== catalogueId) await transaction.deleteFrom("shelf_books").execute();
        // Another replica has stored this already, or newer.
        else if (stored.revision >= revision) return;
        await transaction.updateTable("cursor").set({ catalogue_id: catalogueId, revision }).execute();
        if (books.length === 0) return;
        const rows = books.map((book) => ({ id: book.id, book: Buffer.from(Book.encode(book).finish()).toString("base64") }));
        await transaction
          .insertInto("shelf_books")
          .values(rows)
          .onConflict((conflict) => conflict.column("id").doUpdateSet((update) => ({ book: update.ref("excluded.book") })))
          .execute();
      });
    },
  };
}
