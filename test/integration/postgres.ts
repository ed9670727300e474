import { execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresBin } from "./requirements.ts";

/** A PostgreSQL server of our own, with its data in a folder of its own. */
export interface Postgres extends Disposable {
  /** Its first database, for a user who may make others. */
  readonly url: string;
}

/** Starts a server on a free port. Dispose stops it and removes its data. */
export async function startPostgres(): Promise<Postgres> {
  const bin = postgresBin();
  if (bin === undefined) throw new Error("there is no PostgreSQL server on this machine");
  const folder = mkdtempSync(join(tmpdir(), "bookmesh-postgres-"));
  const port = await freePort();
  // PostgreSQL refuses to run as root, so there it runs as the user that its package brings along.
  const user = process.getuid?.() === 0 ? "postgres" : undefined;
  if (user !== undefined) chownSync(folder, idOf("-u", user), idOf("-g", user));
  const run = (program: string, ...args: string[]) => {
    const [command, ...rest] = [...(user === undefined ? [] : ["runuser", "-u", user, "--"]), join(bin, program), ...args];
    execFileSync(command as string, rest, { cwd: folder, stdio: "ignore" });
  };

  const data = join(folder, "data");
  run("initdb", "--pgdata", data, "--username", "bookmesh", "--auth", "trust", "--no-sync", "--encoding", "UTF8");
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder} -c fsync=off -c max_connections=500`;
  run("pg_ctl", "--pgdata", data, "--wait", "--log", join(folder, "log"), "--options", options, "start");
  return {
    url: `postgres://bookmesh@127.0.0.1:${port}/postgres`,
    [Symbol.dispose]() {
      run("pg_ctl", "--pgdata", data, "--wait", "--mode", "immediate", "stop");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function idOf(flag: "-u" | "-g", user: string): number {
  return Number(execFileSync("id", [flag, user], { encoding: "utf8" }));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
