import { hash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Model } from "./model.ts";

const FILE = "model.bin";
/** What writeSnapshot() writes before it is the model. */
const UNFINISHED = /^model\.bin\.[0-9a-f-]{36}$/;
const FORMAT = "bookmesh recommendations";
/** Counted up with each change of what stands in the file, or of how it is learned. */
const VERSION = 1;

/** The first line of the file. The arrays follow, one after the other. */
const headerSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  storeId: z.string(),
  revision: z.number().int().min(0),
  books: z.number().int().min(0),
  alike: z.number().int().min(0),
  sha256: z.string(),
});

/** Thrown for a file that is no model, or not a whole one. */
export class BrokenSnapshot extends Error {
  override readonly name = "BrokenSnapshot";
}

/** Puts a model in place of the one in the folder: whoever reads finds the one or the other, whatever happens meanwhile. */
export async function writeSnapshot(folder: string, model: Model): Promise<void> {
  const { storeId, revision, bookIds, readerCounts, offsets, likeIds, likeness } = model;
  const body = Buffer.concat([bookIds, readerCounts, offsets, likeIds, likeness].map((array) => Buffer.from(array.buffer)));
  const sizes = { books: bookIds.length, alike: likeIds.length };
  const header = { format: FORMAT, version: VERSION, storeId, revision, ...sizes, sha256: hash("sha256", body) };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `${FILE}.${randomUUID()}`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(folder, FILE));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Removes what writers have left that were ended before they had written all. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  for (const name of names) if (UNFINISHED.test(name)) await rm(join(folder, name), { force: true });
}

/**
 * The model in the folder.
 *
 * @returns undefined if there is none.
 * @throws BrokenSnapshot
 */
export async function readSnapshot(folder: string): Promise<Model | undefined> {
  const file = await readFile(join(folder, FILE)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  const end = file.indexOf("\n");
  const header = headerSchema.safeParse(parsed(file.subarray(0, Math.max(end, 0)).toString()));
  if (!header.success) throw new BrokenSnapshot("it does not begin as this version writes it");
  const { storeId, revision, books, alike, sha256 } = header.data;
  // A copy: numbers in a file do not begin where numbers in memory may.
  const body = Uint8Array.from(file.subarray(end + 1));
  if (hash("sha256", body) !== sha256) throw new BrokenSnapshot("its checksum is wrong");
  if (body.length !== 4 * (3 * books + 1 + 2 * alike)) throw new BrokenSnapshot("its length is wrong");
  let at = 0;
  const next = (count: number) => {
    at += 4 * count;
    return body.buffer.slice(at - 4 * count, at);
  };
  return {
    ...{ storeId, revision, bookIds: new Int32Array(next(books)), readerCounts: new Uint32Array(next(books)) },
    ...{ offsets: new Uint32Array(next(books + 1)), likeIds: new Int32Array(next(alike)) },
    likeness: new Float32Array(next(alike)),
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
