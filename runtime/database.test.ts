import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { type BookTable, migrations } from "../test/support/book-store.ts";
import { LogLines } from "../test/support/log-lines.ts";
import { isStoreUnavailable, isUniqueViolation, openDatabase } from "./database.ts";
import { createLogger } from "./logger.ts";

let folder: string;
let url: string;
let logs: LogLines;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bookmesh-"));
  url = `sqlite:${join(folder, "new", "books.db")}`;
  logs = new LogLines();
});
afterEach(() => rmSync(folder, { recursive: true }));

test("makes the file, its folder and its schema", async () => {
  const { db, close } = await open();

  expect(await db.selectFrom("books").select("title").execute()).toEqual([{ title: "Dune" }]);
  expect(logs.with({ msg: "migrated" })).toMatchObject([{ migration: "0001-books" }, { migration: "0002-first-book" }]);
  await close();
});

test("lets nobody else on the machine read it, not even in a folder that was there", async () => {
  mkdirSync(join(folder, "new"));
  const { close } = await open();

  const files = readdirSync(join(folder, "new"));
  expect(files).toEqual(["books.db", "books.db-shm", "books.db-wal"]);
  for (const name of files) expect(statSync(join(folder, "new", name)).mode & 0o077).toBe(0);
  await close();
});

test("keeps what was written, and makes no migration twice", async () => {
  const before = await open();
  await before.db.insertInto("books").values({ isbn: "2", title: "Emma" }).execute();
  await before.close();

  const { db, close } = await open();

  expect(await db.selectFrom("books").select("title").execute()).toHaveLength(2);
  expect(logs.with({ msg: "migrated" })).toHaveLength(2);
  await close();
});

test("opens one new file in several processes at once, and migrates it once", async () => {
  const children = Array.from({ length: 4 }, () => fork("test/support/open-database.ts", [url], { stdio: "pipe" }));
  const outcomes = children.map(outcomeOf);
  await Promise.all(children.map((child) => once(child, "message")));

  for (const child of children) child.send("open");

  expect(await Promise.all(outcomes)).toEqual(children.map(() => ({ status: 0, errors: "" })));
  const { db, close } = await open();
  expect(await db.selectFrom("books").select("isbn").execute()).toHaveLength(1 + children.length);
  await close();
});

test("leaves the schema as it was when a migration fails", async () => {
  await (await open()).close();
  const failing = {
    ...migrations,
    "0003-authors": {
      up: async (db: Parameters<(typeof migrations)[string]["up"]>[0]) =>
        void (await sql`create table authors (id text)`.execute(db)),
    },
    "0004-broken": { up: async () => Promise.reject(new Error("broken")) },
  };

  await expect(open(failing)).rejects.toThrow(/broken/);

  const { db, close } = await open();
  const { rows } = await sql<{ name: string }>`select name from sqlite_schema where name in ('books', 'authors')`.execute(db);
  expect(rows).toEqual([{ name: "books" }]);
  await close();
});

test("leaves a new file without a schema when its first migration fails, and takes the next attempt", async () => {
  await expect(open({ "0001-broken": { up: async () => Promise.reject(new Error("broken")) } })).rejects.toThrow(/broken/);

  const { db, close } = await open();

  expect(await db.selectFrom("books").select("title").execute()).toHaveLength(1);
  await close();
});

test("loses nothing that was committed: write-ahead log, full sync, foreign keys", async () => {
  const { db, close } = await open();
  const pragma = async (name: string) => Object.values((await sql.raw(`pragma ${name}`).execute(db)).rows[0] as object)[0];

  expect([await pragma("journal_mode"), await pragma("synchronous"), await pragma("foreign_keys")]).toEqual(["wal", 2, 1]);
  await close();
});

test("passes its check while the store answers, and fails it when it does not", async () => {
  const { check, close } = await open();

  await expect(check()).resolves.toBeUndefined();
  await close();
  await expect(check()).rejects.toThrow();
});

test("lets everything else have its turn while a thousand queries follow each other", async () => {
  const { db, close } = await open();
  let turns = 0;
  const counting = setImmediate(function count() {
    turns++;
    if (turns < 3) setImmediate(count);
  });

  const books = Array.from({ length: 1_000 }, (_, i) => ({ isbn: `isbn ${i}`, title: "Emma" }));
  await Promise.all(books.map((book) => db.insertInto("books").values(book).execute()));

  expect(turns).toBe(3);
  clearImmediate(counting);
  await close();
});

test("takes back a transaction that fails", async () => {
  const { db, close } = await open();

  const failing = db.transaction().execute(async (transaction) => {
    await transaction.insertInto("books").values({ isbn: "2", title: "Emma" }).execute();
    throw new Error("changed my mind");
  });

  await expect(failing).rejects.toThrow("changed my mind");
  expect(await db.selectFrom("books").select("isbn").execute()).toEqual([{ isbn: "1" }]);
  await close();
});

test("knows a value that another row has already", async () => {
  const { db, close } = await open();

  const error: unknown = await db
    .insertInto("books")
    .values({ isbn: "1", title: "Emma" })
    .execute()
    .catch((thrown) => thrown);

  expect([isUniqueViolation(error, "isbn"), isUniqueViolation(error, "title"), isStoreUnavailable(error)]).toEqual([
    true,
    false,
    false,
  ]);
  await close();
});

test("tells a locked store from one that is gone or a query that is wrong", async () => {
  const [holder, writer] = [await open(), await open()];
  await sql`pragma busy_timeout = 0`.execute(writer.db);
  await sql`begin immediate`.execute(holder.db);

  const locked: unknown = await writer.db
    .insertInto("books")
    .values({ isbn: "2", title: "Emma" })
    .execute()
    .catch((thrown) => thrown);
  const wrong: unknown = await sql`select nonsense`.execute(writer.db).catch((thrown) => thrown);

  expect([isStoreUnavailable(locked), isStoreUnavailable(wrong)]).toEqual([true, false]);
  await sql`rollback`.execute(holder.db);
  await Promise.all([holder.close(), writer.close()]);
});

test.each([
  "postgres://books:secret@127.0.0.1:1/books",
  "postgres://books:sec@ret@127.0.0.1:1/books",
  "postgres://books@127.0.0.1:1/books?password=secret",
])("says that a PostgreSQL server cannot be reached, and keeps the password to itself: %s", async (address) => {
  url = address;

  const error = (await open().catch((thrown: unknown) => thrown)) as Error;

  expect(error.message).toMatch(/^cannot open the store at postgres:\/\/127\.0\.0\.1:1\/books: /);
  expect(error.message).not.toMatch(/secret|sec@|ret@/);
  expect(isStoreUnavailable(error.cause)).toBe(true);
});

test.each([
  ["a unique value in PostgreSQL", { code: "23505", constraint: "users_email_key" }, "email", true],
  ["another unique value in PostgreSQL", { code: "23505", constraint: "users_name_key" }, "email", false],
  ["another rule in PostgreSQL", { code: "23503", constraint: "users_email_key" }, "email", false],
  ["a primary key in SQLite", { errcode: 1555, message: "UNIQUE constraint failed: users.id" }, "id", true],
  ["another rule in SQLite", { errcode: 787, message: "FOREIGN KEY constraint failed" }, "id", false],
])("tells a value that is taken from anything else: %s", (_name, properties, column, expected) => {
  expect(isUniqueViolation(Object.assign(new Error("", {}), properties), column)).toBe(expected);
});

test.each([
  ["a server that refuses", { code: "ECONNREFUSED" }, true],
  ["a connection that breaks", { code: "ECONNRESET" }, true],
  ["a server that is full", { code: "53300" }, true],
  ["a server that stops", { code: "57P01" }, true],
  ["a connection that fails", { code: "08006" }, true],
  ["a full pool", { message: "timeout exceeded when trying to connect" }, true],
  ["a connection that ends", { message: "Connection terminated unexpectedly" }, true],
  ["a connection lost between two queries", { message: "Client has encountered a connection error and is not queryable" }, true],
  ["a connection closed between two queries", { message: "Client was closed and is not queryable" }, true],
  ["a query that takes too long", { message: "Query read timeout" }, true],
  ["a busy file", { code: "ERR_SQLITE_ERROR", errcode: 5 }, true],
  ["a busy snapshot", { code: "ERR_SQLITE_ERROR", errcode: 517 }, true],
  ["a file that is no database", { code: "ERR_SQLITE_ERROR", errcode: 26 }, false],
  ["a table that is not there", { code: "42P01" }, false],
  ["a bug", { message: "x is undefined" }, false],
])("tells whether trying again may help after %s", (_name, properties, expected) => {
  expect(isStoreUnavailable(Object.assign(new Error(""), properties))).toBe(expected);
});

test.each([null, undefined, "ECONNREFUSED", { code: "ECONNREFUSED" }])("takes %p, which is no error, for neither", (thrown) => {
  expect([isStoreUnavailable(thrown), isUniqueViolation(thrown, "id")]).toEqual([false, false]);
});

function open(withMigrations = migrations) {
  const logger = createLogger({ name: "store", level: "info", destination: logs });
  return openDatabase<BookTable>({ url, migrations: withMigrations, logger });
}

async function outcomeOf(child: ChildProcess): Promise<{ status: number | null; errors: string }> {
  let errors = "";
  child.stderr?.on("data", (chunk) => {
    errors += chunk;
  });
  const [status] = await once(child, "close");
  return { status, errors };
}
