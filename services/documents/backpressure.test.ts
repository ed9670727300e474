import { begin, type DocumentsServer, startDocuments, testFolder } from "../../test/support/documents.ts";
import { read } from "../../test/support/service.ts";
import type { BlobStore } from "./blob-store.ts";
import { openFileBlobs } from "./file-blobs.ts";
import { byHand, chunksOf, someBytes } from "./testing.ts";

const SIZE = 67_108_864;
const MESSAGE_BYTES = 65_536;
const CHUNK_BYTES = 262_144;
/** How many messages are on their way at most: streams of Node keep sixteen in the server and sixteen in the client. */
const ON_THEIR_WAY = 40;

/** Waits until a number grows no more although others are served for a while. */
async function settled(server: DocumentsServer, number: () => number): Promise<number> {
  for (let before = -1; before !== number(); ) {
    before = number();
    // The disk may have much to do meanwhile: SQLite waits for it, and all of the process with it.
    for (let i = 0; i < 20; i++) await server.client.listDocuments({ userId: "b" }, { deadlineMs: 30_000 });
  }
  return number();
}

test("of a document of 64 MiB no more is read than its reader takes", async () => {
  await using folder = await testFolder();
  let bytesRead = 0;
  const blobs: BlobStore = {
    ...(await openFileBlobs(folder.path)),
    async *read(_id, { length }) {
      for (; bytesRead < length; bytesRead += MESSAGE_BYTES) yield Buffer.alloc(MESSAGE_BYTES, "a");
    },
  };
  await using server = await startDocuments({ blobs });
  const upload = await begin(server, someBytes(1));
  const at = { now: new Date(), expiresAt: new Date() };
  const { store } = server;
  const taken = await store.uploads.takeOver("a", upload.id, "writer", new Date());
  if (taken === undefined) throw new Error("no upload");
  await store.uploads.complete({ ...taken.upload, size: SIZE }, "writer", at);
  await using download = read(server.client.downloadDocument({ userId: "a", documentId: upload.id }));
  await download.next();

  expect(await settled(server, () => bytesRead)).toBeLessThan(ON_THEIR_WAY * MESSAGE_BYTES);

  for (let i = 0; i < 100; i++) await download.next();
  expect(await settled(server, () => bytesRead)).toBeLessThan((100 + ON_THEIR_WAY) * MESSAGE_BYTES);
});

test("of a document of 64 MiB no more is taken than a slow disk takes", async () => {
  await using folder = await testFolder();
  const disk = byHand();
  const turns = disk[Symbol.asyncIterator]();
  const files = await openFileBlobs(folder.path);
  const blobs: BlobStore = {
    ...files,
    async resume(id, draft) {
      const writer = await files.resume(id, draft);
      return {
        ...writer,
        async write(data) {
          await turns.next();
          await writer.write(data);
        },
      };
    },
  };
  await using server = await startDocuments({ blobs });
  const bytes = Buffer.alloc(SIZE, "a");
  const upload = await begin(server, bytes);
  let sent = 0;
  async function* counted() {
    for await (const chunk of chunksOf(upload, bytes, { size: CHUNK_BYTES })) {
      sent += chunk.data.length;
      yield chunk;
    }
  }
  const leave = new AbortController();
  const options = { metadata: server.users.as("a"), signal: leave.signal };
  const call = expect(server.client.uploadChunks(counted(), options)).rejects.toThrow(/abort/i);

  expect(await settled(server, () => sent)).toBeLessThan(ON_THEIR_WAY * CHUNK_BYTES);

  for await (const turn of chunksOf(upload, bytes, { to: 50 * CHUNK_BYTES, size: CHUNK_BYTES })) disk.send(turn);
  expect(await settled(server, () => sent)).toBeLessThan((50 + ON_THEIR_WAY) * CHUNK_BYTES);
  leave.abort();
  disk.end();
  await call;
});
