import { join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import pg from "pg";

/** The stores of services, and a way past the services into them. */
export interface Stores extends AsyncDisposable {
  /** What the service takes as DATABASE_URL. */
  url(service: string): string;
  /** Asks the store of a service, by SQL that every store understands. Numbers are numbers. */
  rows<Row>(service: string, query: string): Promise<Row[]>;
}

/** Files of SQLite. */
export function sqliteStores(folder: string): Stores {
  const path = (service: string) => join(folder, `${service}.db`);
  return {
    url: (service) => `sqlite:${path(service)}`,
    async rows<Row>(service: string, query: string) {
      using file = new DatabaseSync(path(service), { timeout: 5_000 });
      return file.prepare(query).all() as Record<string, SQLOutputValue>[] as Row[];
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Databases of a server of PostgreSQL, which is nobody else's. */
export async function postgresStores(serverUrl: string, services: readonly string[]): Promise<Stores> {
  const urlOf = (service: string) => Object.assign(new URL(serverUrl), { pathname: `/${service}` }).href;
  const connections = new Map<string, pg.Client>();
  const server = await connect(serverUrl);
  for (const service of services) {
    await server.query(`create database ${service} template template0`);
    connections.set(service, await connect(urlOf(service)));
  }
  await server.end();
  return {
    url: urlOf,
    async rows(service, query) {
      const connection = connections.get(service);
      if (connection === undefined) throw new Error(`${service} has no store`);
      return (await connection.query(query)).rows;
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections.values()) await connection.end();
    },
  };
}

async function connect(connectionString: string): Promise<pg.Client> {
  const numbers = new Set<number>([pg.types.builtins.INT8, pg.types.builtins.NUMERIC]);
  const getTypeParser: pg.CustomTypesConfig["getTypeParser"] = (oid, format) =>
    numbers.has(oid) ? Number : pg.types.getTypeParser(oid, format);
  const client = new pg.Client({ connectionString, types: { getTypeParser } });
  await client.connect();
  return client;
}
