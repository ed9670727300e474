import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Thrown when another process uses the folder. */
export class AlreadyRunning extends Error {
  override readonly name = "AlreadyRunning";
}

export interface Lock {
  release(): void;
}

/**
 * Takes a folder for this process alone, and makes the folder if need be.
 *
 * @throws AlreadyRunning with the id of the process that has it.
 */
export function lockFolder(folder: string): Lock {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const pidFile = join(folder, "up.pid");
  const lock = tryLock(join(folder, "up.lock"));
  if (lock === undefined) {
    throw new AlreadyRunning(
      `bookmesh is already running in ${folder} (process ${readPid(pidFile)}): stop it or choose another folder with --data`,
    );
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return lock;
}

/**
 * Takes a lock, if nobody else has it, by a file that is there for nothing else.
 *
 * The lock is one of the operating system on the file (SQLite's), not the file:
 * it ends with the process, however that ends, so there is none to clean up.
 *
 * @returns undefined if somebody has it, in this process or in another one.
 */
export function tryLock(path: string): Lock | undefined {
  const file = new DatabaseSync(path);
  try {
    file.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY");
    file.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    file.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    return undefined;
  }
  return { release: () => file.close() };
}

const SQLITE_BUSY = 5;

function readPid(pidFile: string): string {
  try {
    return readFileSync(pidFile, "utf8").trim();
  } catch {
    return "unknown";
  }
}
