import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes a file that is not there yet. When it resolves the content is on the disk, whether its name is depends on the folder. */
export async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  await using file = await open(path, "wx", mode);
  await file.writeFile(text);
  await file.sync();
}

/** Writes a file, in place of the one that is there. A reader finds the old content or the new one, also after a loss of power. */
export async function replaceDurably(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.new`;
  await rm(temporary, { force: true });
  await writeDurably(temporary, text, mode);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Puts on the disk which names a folder has. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

/** For a file that may be missing: `await readFile(…).catch(ifMissing)`. */
export function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
