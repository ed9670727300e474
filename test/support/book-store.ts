import { sql } from "kysely";
import type { Migration } from "kysely/migration";

/** The schema of a store that tests open. */
export interface BookTable {
  books: { isbn: string; title: string };
}

/** Its migrations, which cannot be made twice. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001-books": {
    async up(db) {
      await sql`create table books (isbn text not null, title text not null, constraint books_isbn_key unique (isbn))`.execute(
        db,
      );
    },
  },
  "0002-first-book": {
    async up(db) {
      await sql`insert into books (isbn, title) values ('1', 'Dune')`.execute(db);
    },
  },
};
