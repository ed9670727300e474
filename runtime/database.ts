import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { Kysely, PostgresAdapter, PostgresDialect, SqliteDialect, type SqliteDialectConfig, SqliteDriver, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import pg from "pg";
import type { HealthCheck } from "./health.ts";
import type { Logger } from "./logger.ts";
import { bareError } from "./shown-error.ts";

/** The store of one service. */
export interface Database<Schema> {
  readonly db: Kysely<Schema>;
  /** Rejects when the store does not answer. */
  readonly check: HealthCheck;
  close(): Promise<void>;
}

/** How long a writer waits for another process to finish writing to the same SQLite file. */
const SQLITE_BUSY_MS = 5_000;
/** How long queries of SQLite may follow each other before anything else has its turn. */
const SQLITE_TURN_MS = 10;
const POSTGRES_POOL_SIZE = 10;
const POSTGRES_CONNECT_MS = 3_000;
const POSTGRES_QUERY_MS = 10_000;

/**
 * Opens the store at `url` and brings its schema up to date.
 *
 * Several processes may open the same store at once: one of them migrates, the
 * others wait for it (on SQLite for five seconds at most, then they fail).
 *
 * @param options.url sqlite:<path> or postgres://…
 * @param options.migrations by name; they run in the order of their names.
 * @throws when the store cannot be opened or a migration fails; a failed migration leaves the schema as it was.
 */
export async function openDatabase<Schema>(options: {
  url: string;
  migrations: Readonly<Record<string, Migration>>;
  logger: Logger;
}): Promise<Database<Schema>> {
  try {
    return await (options.url.startsWith("sqlite:") ? openSqlite<Schema>(options) : openPostgres<Schema>(options));
  } catch (error) {
    const shown = withoutSecrets(options.url);
    throw new Error(`cannot open the store at ${shown}: ${(error as Error).message}`, { cause: bareError(error) });
  }
}

/** Where a store is, without user, password and parameters: they have no business in a log. */
function withoutSecrets(url: string): string {
  if (url.startsWith("sqlite:")) return url;
  const { protocol, host, pathname } = URL.canParse(url)
    ? new URL(url)
    : { protocol: "postgres:", host: "(unreadable)", pathname: "" };
  return `${protocol}//${host}${pathname}`;
}

type OpenOptions = Parameters<typeof openDatabase>[0];

async function openSqlite<Schema>({ url, migrations, logger }: OpenOptions): Promise<Database<Schema>> {
  const path = url.slice("sqlite:".length);
  if (path !== ":memory:") {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite would let everybody on the machine read it, keys and all. Its other files get the permissions of this one.
    closeSync(openSync(path, "a", 0o600));
  }
  const file = new DatabaseSync(path);
  file.exec(`PRAGMA busy_timeout = ${SQLITE_BUSY_MS}`);
  await writeAhead(file);
  file.exec("PRAGMA synchronous = FULL");
  file.exec("PRAGMA foreign_keys = ON");
  const db = new Kysely<Schema>({ dialect: new YieldingSqliteDialect({ database: asBetterSqlite(file) }) });

  // Kysely takes no lock of its own on SQLite. The write lock of the file keeps
  // other processes out, and makes all migrations one transaction.
  file.exec("BEGIN IMMEDIATE");
  try {
    await migrate(db, migrations, logger);
    file.exec("COMMIT");
  } catch (error) {
    file.exec("ROLLBACK");
    await db.destroy();
    throw error;
  }
  return {
    db,
    check: async () => void (await sql`select 1 from kysely_migration limit 1`.execute(db)),
    close: () => db.destroy(),
  };
}

/**
 * Turns on write-ahead logging.
 *
 * SQLite waits for nobody here, busy_timeout or not: of two processes that open
 * a new file at the same moment, one is told that it is locked.
 */
async function writeAhead(file: DatabaseSync): Promise<void> {
  const giveUpAt = Date.now() + SQLITE_BUSY_MS;
  while (true) {
    try {
      file.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (!isStoreUnavailable(error) || Date.now() > giveUpAt) throw error;
      await sleep(10);
    }
  }
}

/**
 * Queries of SQLite are never waited for, so that those of a burst follow each
 * other without end: Node goes on to what has come from the network when no
 * promise is left to be kept. Whoever waits longest for it is given up as dead.
 */
class YieldingSqliteDriver extends SqliteDriver {
  #turnedAt = performance.now();

  /** Kysely lends the one connection to one transaction after the other. */
  override async acquireConnection() {
    if (performance.now() - this.#turnedAt > SQLITE_TURN_MS) {
      await nextTurn();
      this.#turnedAt = performance.now();
    }
    return super.acquireConnection();
  }
}

class YieldingSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver() {
    return new YieldingSqliteDriver(this.#config);
  }
}

/** node:sqlite behind the few methods of better-sqlite3 that Kysely calls. */
function asBetterSqlite(file: DatabaseSync) {
  return {
    close: () => file.close(),
    prepare(query: string) {
      const statement = file.prepare(query);
      const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
      return {
        reader: statement.columns().length > 0,
        all: (parameters: readonly unknown[]) => statement.all(...values(parameters)),
        run: (parameters: readonly unknown[]) => statement.run(...values(parameters)),
        iterate: (parameters: readonly unknown[]) => statement.iterate(...values(parameters)) as IterableIterator<unknown>,
      };
    },
  };
}

async function openPostgres<Schema>({ url, migrations, logger }: OpenOptions): Promise<Database<Schema>> {
  const migrating = postgres<Schema>(url, logger, { max: 1 });
  try {
    // Without a limit of time: one process migrates, and the others wait for as long as it takes.
    await migrate(migrating, migrations, logger);
  } finally {
    await migrating.destroy();
  }
  const limits = { max: POSTGRES_POOL_SIZE, statement_timeout: POSTGRES_QUERY_MS, query_timeout: POSTGRES_QUERY_MS + 1_000 };
  const db = postgres<Schema>(url, logger, limits);
  return {
    db,
    check: async () => void (await sql`select 1 from kysely_migration limit 1`.execute(db)),
    close: () => db.destroy(),
  };
}

function postgres<Schema>(url: string, logger: Logger, options: pg.PoolConfig): Kysely<Schema> {
  const pool = new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: POSTGRES_CONNECT_MS,
    // Numbers, not strings: every bigint column here stays far below 2^53.
    types: { getTypeParser: (oid, format) => (oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) },
    ...options,
  });
  // The pool replaces a connection that breaks; without a listener that would end the process.
  const onLost = (error: Error) => logger.warn({ err: error }, "connection to the store lost");
  pool.on("error", onLost);
  // Nor does the pool listen while a connection is lent out; the query on it fails by itself.
  pool.on("connect", (client) => client.on("error", onLost));
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}

async function migrate<Schema>(
  db: Kysely<Schema>,
  migrations: Readonly<Record<string, Migration>>,
  logger: Logger,
): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error, results = [] } = await migrator.migrateToLatest();
  for (const { migrationName, status } of results) logger.info({ migration: migrationName, status }, "migrated");
  if (error !== undefined) throw error;
}

/**
 * The type of a text column that is sorted by: byte by byte, as SQLite does it,
 * so that pages have the same order wherever the database was made.
 */
export function sortedText<Schema>(db: Kysely<Schema>) {
  return db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : sql`text`;
}

/**
 * Whether an error of a query says that another row has the same value in a unique column.
 *
 * @param column its constraint must be named `<table>_<column>_<anything>`.
 */
export function isUniqueViolation(error: unknown, column: string): boolean {
  if (!Error.isError(error)) return false;
  const { code, constraint, errcode } = error as { code?: string; constraint?: string; errcode?: number };
  // PostgreSQL names the constraint (SQLSTATE 23505), SQLite the column (SQLITE_CONSTRAINT_UNIQUE or _PRIMARYKEY).
  if (code === "23505") return constraint?.includes(`_${column}_`) ?? false;
  return (errcode === 2067 || errcode === 1555) && error.message.endsWith(`.${column}`);
}

/** SQLSTATE classes for "the server is gone, going, or full" (PostgreSQL manual, appendix A). */
const POSTGRES_UNAVAILABLE = /^(08|53|57P)/;
/** What node-postgres says of it without a code; the two of the client when a transaction asks for more on a connection that was lost. */
const POSTGRES_GONE =
  /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client (has encountered a connection error|was closed) and is not queryable)/;
const SOCKET_ERRORS = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EHOSTUNREACH"]);
const SQLITE_BUSY = 5;

/** Whether an error says that the store cannot be reached now, so that trying again may help. */
export function isStoreUnavailable(error: unknown): boolean {
  if (!Error.isError(error)) return false;
  const { code, errcode } = error as { code?: string; errcode?: number };
  if (errcode !== undefined) return (errcode & 0xff) === SQLITE_BUSY;
  if (code !== undefined && (SOCKET_ERRORS.has(code) || POSTGRES_UNAVAILABLE.test(code))) return true;
  return POSTGRES_GONE.test(error.message);
}
