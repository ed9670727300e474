import { access, constants, type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure } from "../../runtime/errors.ts";
import { BlobGone, type BlobStore, type BlobWriter } from "./blob-store.ts";

/** How much is read at once, and so sent in one message. */
const READ_BYTES = 32_768;
/** The state of every draft: where its file is follows from its id. */
const BEGUN = "begun";

/**
 * Keeps blobs in files of a folder, which this process has for itself.
 *
 * A file is written under drafts/ and moved when it is complete, so that what
 * stands under blobs/ is whole.
 */
export async function openFileBlobs(folder: string): Promise<BlobStore> {
  const drafts = join(folder, "drafts");
  const draftOf = (id: string) => join(drafts, id);
  // Some file systems grow slow with many files in one folder.
  const blobOf = (id: string) => join(folder, "blobs", id.slice(0, 2), id);
  await makeFolder(drafts);
  await makeFolder(join(folder, "blobs"));

  return {
    check: () => access(drafts, constants.R_OK | constants.W_OK),

    async begin(id) {
      const file = await open(draftOf(id), "w", 0o600);
      await file.close();
      await syncFolder(drafts);
      return { length: 0, state: BEGUN };
    },

    async resume(id, { length }) {
      const file = await open(draftOf(id), "r+").catch(async (error: unknown) => {
        // It was moved, and nobody could be told any more.
        if (isMissing(error) && (await exists(blobOf(id)))) return undefined;
        throw error;
      });
      if (file === undefined) return finished(length);
      await file.truncate(length);
      return fileWriter(file, length, async () => {
        await makeFolder(dirname(blobOf(id)));
        await rename(draftOf(id), blobOf(id));
        await syncFolder(dirname(blobOf(id)));
        await syncFolder(drafts);
      });
    },

    async *read(id, { offset, length }, signal) {
      const file = await open(blobOf(id), "r").catch((error: unknown) => {
        throw isMissing(error) ? new BlobGone() : error;
      });
      try {
        for (let sent = 0; sent < length; ) {
          signal?.throwIfAborted();
          // A new buffer each time: what was given away may still wait to be sent.
          const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, length - sent));
          const { bytesRead } = await file.read(buffer, 0, buffer.length, offset + sent);
          if (bytesRead === 0) throw new Error("a file is shorter than it was");
          sent += bytesRead;
          yield buffer.subarray(0, bytesRead);
        }
      } finally {
        await file.close();
      }
    },

    async remove(id) {
      // In this order: a file that is being moved is found in one of both places.
      await rm(draftOf(id), { force: true });
      await rm(blobOf(id), { force: true });
    },
  };
}

function fileWriter(file: FileHandle, from: number, move: () => Promise<void>): BlobWriter {
  let length = from;
  let moved = false;
  return {
    async write(data) {
      for (let written = 0; written < data.length; ) {
        const { bytesWritten } = await file.write(data, written, data.length - written, length).catch(asFull);
        written += bytesWritten;
        length += bytesWritten;
      }
    },
    async flush() {
      await file.datasync();
      return { length, state: BEGUN };
    },
    async finish() {
      if (moved) return;
      await file.sync();
      await move();
      moved = true;
    },
    close: () => file.close(),
  };
}

/** For a blob that is finished already. */
function finished(length: number): BlobWriter {
  return {
    write: () => Promise.reject(new Error("the blob is finished")),
    flush: async () => ({ length, state: BEGUN }),
    finish: async () => {},
    close: async () => {},
  };
}

async function makeFolder(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  if (made !== undefined) await syncFolder(dirname(path));
}

/** Until then a crash of the machine could undo what was made, moved or removed in a folder. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
}

function asFull(error: NodeJS.ErrnoException): never {
  if (error.code !== "ENOSPC" && error.code !== "EDQUOT") throw error;
  throw new Failure("unavailable", "there is no room for documents at the moment", { reason: "STORAGE_FULL", cause: error });
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
