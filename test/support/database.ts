import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";

/** A server on which databases can be made and dropped: postgres://user:password@host:port/postgres. */
const POSTGRES_URL = process.env.TEST_POSTGRES_URL;

/** What the stores of this run are kept in. */
export const databaseKind = POSTGRES_URL === undefined ? "sqlite" : "postgres";

/** An empty store of one test. */
export interface TestDatabase extends AsyncDisposable {
  /** What a service takes as DATABASE_URL. */
  readonly url: string;
}

/**
 * Makes an empty store: a file of SQLite, or a database of the PostgreSQL
 * server that TEST_POSTGRES_URL names.
 *
 * @returns to be bound with `await using`, which removes it. Close what uses it before.
 */
export async function testDatabase(): Promise<TestDatabase> {
  return POSTGRES_URL === undefined ? sqliteFile() : postgresDatabase(POSTGRES_URL);
}

async function sqliteFile(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "bookmesh-test-"));
  return {
    url: `sqlite:${join(folder, "store.db")}`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function postgresDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `bookmesh_test_${randomUUID().replaceAll("-", "")}`;
  // Not template1, the default: it cannot be copied while anybody is connected to it.
  await runOn(serverUrl, `create database ${name} template template0`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, [Symbol.asyncDispose]: () => runOn(serverUrl, `drop database ${name} with (force)`) };
}

async function runOn(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
