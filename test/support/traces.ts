import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Read past the services: the tables of each store that have the id of a user anywhere. Of logs only what happened is known, not to whom. */
export function tracesOf(data: string, userId: string): Record<string, string[]> {
  const mention = new RegExp(`\\b${userId}\\b`);
  const stores = globSync("*.db", { cwd: data }).toSorted();
  const traces = stores.map((file): [string, string[]] => {
    using db = openStore(join(data, file));
    const tables = db.all("select name from sqlite_master where type = 'table' order by name").map(({ name }) => String(name));
    const marked = tables.filter((table) => db.all(`select * from "${table}"`).some((row) => mention.test(JSON.stringify(row))));
    return [basename(file, ".db"), marked.filter((table) => table !== "event_log")];
  });
  return Object.fromEntries(traces.filter(([, tables]) => tables.length > 0));
}

function openStore(path: string) {
  const db = new DatabaseSync(path, { readOnly: true });
  return {
    all: (query: string) => db.prepare(query).all(),
    [Symbol.dispose]: () => db.close(),
  };
}
