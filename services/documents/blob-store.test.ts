import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { begin, filesIn, sendChunks, startDocuments, testFolder, uploadAll } from "../../test/support/documents.ts";
import { startS3 } from "../../test/support/s3.ts";
import { BlobGone, type BlobStore } from "./blob-store.ts";
import { openFileBlobs } from "./file-blobs.ts";
import { openS3Blobs } from "./s3-blobs.ts";
import { chunksOf, gather, someBytes } from "./testing.ts";

/** More than two parts of S3, and no whole number of anything. */
const LARGE = someBytes(11_000_003);
const PART_BYTES = 5_242_880;
const ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

interface Case extends AsyncDisposable {
  blobs: BlobStore;
  /** As another process opens it. */
  reopen(): Promise<BlobStore>;
  /** The files that hold bytes. */
  files(): Promise<string[]>;
}

const kinds: Record<string, () => Promise<Case>> = {
  async files() {
    const folder = await testFolder();
    const reopen = () => openFileBlobs(folder.path);
    return {
      ...folder,
      blobs: await reopen(),
      reopen,
      files: () => filesIn(folder.path),
      [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
    };
  },
  async S3() {
    const server = await startS3();
    const reopen = () => openS3Blobs(server.settings);
    const files = async () => (await filesIn(server.folder)).filter((name) => /_object$|^\d+$/.test(name));
    return { blobs: await reopen(), reopen, files, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
  },
};

async function readAll(blobs: BlobStore, length: number, offset = 0): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(blobs.read(ID, { offset, length })));
}

describe.each(Object.keys(kinds))("%s", (kind) => {
  const open = () => (kinds[kind] as () => Promise<Case>)();

  test("give back the range of bytes that is asked for", async () => {
    await using store = await open();
    const { blobs } = store;
    const writer = await blobs.resume(ID, await blobs.begin(ID));
    for (let i = 0; i < LARGE.length; i += 262_144) await writer.write(LARGE.subarray(i, i + 262_144));
    await writer.flush(true);
    await writer.finish();
    await writer.close();

    expect((await readAll(blobs, LARGE.length)).equals(LARGE)).toBe(true);
    expect((await readAll(blobs, 70_001, 5_242_879)).equals(LARGE.subarray(5_242_879, 5_312_880))).toBe(true);
    expect((await readAll(blobs, 1, LARGE.length - 1)).equals(LARGE.subarray(-1))).toBe(true);
    await blobs.check();
  });

  test("go on behind what is durable, in another process, whatever was written behind it", async () => {
    await using store = await open();
    const before = await store.blobs.resume(ID, await store.blobs.begin(ID));
    await before.write(LARGE.subarray(0, 6_000_000));
    const draft = await before.flush(false);
    await before.write(Buffer.alloc(1_000, "lost"));
    await before.close();
    expect(draft.length === 6_000_000 || draft.length === PART_BYTES).toBe(true);

    const blobs = await store.reopen();
    const writer = await blobs.resume(ID, draft);
    await writer.write(LARGE.subarray(draft.length));
    await writer.flush(true);
    await writer.finish();
    await writer.close();

    expect((await readAll(blobs, LARGE.length)).equals(LARGE)).toBe(true);
  });

  test("finish a blob again that was finished when the process ended", async () => {
    await using store = await open();
    const { blobs } = store;
    const writer = await blobs.resume(ID, await blobs.begin(ID));
    await writer.write(LARGE.subarray(0, 1_000));
    const draft = await writer.flush(true);
    await writer.finish();
    await writer.finish();
    await writer.close();

    const again = await blobs.resume(ID, draft);
    await again.flush(true);
    await again.finish();
    await again.close();

    expect(draft.length).toBe(1_000);
    expect((await readAll(blobs, 1_000)).equals(LARGE.subarray(0, 1_000))).toBe(true);
  });

  test("show nothing of a blob that is not finished, nor of one that is removed", async () => {
    await using store = await open();
    const { blobs } = store;
    const begun = await blobs.begin(ID);
    const writer = await blobs.resume(ID, begun);
    await writer.write(LARGE.subarray(0, 6_000_000));
    const draft = await writer.flush(true);
    await expect(readAll(blobs, 10)).rejects.toThrow(BlobGone);
    await writer.finish();
    await writer.close();
    await readAll(blobs, 10);

    await blobs.remove(ID, draft);

    await expect(readAll(blobs, 10)).rejects.toThrow(BlobGone);
    expect(await store.files()).toEqual([]);
    await blobs.remove(ID, draft);
    await blobs.remove("never-begun", undefined);
  });

  test("leave no bytes of a blob that is removed unfinished", async () => {
    await using store = await open();
    const { blobs } = store;
    const writer = await blobs.resume(ID, await blobs.begin(ID));
    await writer.write(LARGE.subarray(0, 6_000_000));
    const draft = await writer.flush(false);
    await writer.close();
    expect(await store.files()).not.toEqual([]);

    await blobs.remove(ID, draft);

    expect(await store.files()).toEqual([]);
  });

  test("carry documents: up in two calls, down again, and away", async () => {
    await using store = await open();
    await using server = await startDocuments({ blobs: store.blobs });
    const upload = await begin(server, LARGE);
    await sendChunks(server, chunksOf(upload, LARGE, { to: 7_000_000, size: 262_144 }));
    const from = Number((await server.client.getUpload({ userId: "a", uploadId: upload.id })).upload?.offset);
    expect(from).toBe(kind === "S3" ? PART_BYTES : 7_000_000);

    const { document } = await sendChunks(server, chunksOf(upload, LARGE, { from, size: 262_144 }));

    const documentId = document?.id ?? "";
    const { bytes } = await gather(server.client.downloadDocument({ userId: "a", documentId }));
    expect(bytes.equals(LARGE)).toBe(true);
    await server.client.deleteDocument({ userId: "a", documentId });
    expect(await store.files()).toEqual([]);
  });
});

test("a bucket keeps what one writer finished when another takes back what it has begun", async () => {
  await using server = await startS3();
  const blobs = await openS3Blobs(server.settings);
  const late = await blobs.begin(ID);
  const writer = await blobs.resume(ID, await blobs.begin(ID));
  await writer.write(LARGE.subarray(0, 10));
  await writer.flush(true);
  await writer.finish();
  await writer.close();

  await blobs.remove(ID, late);

  expect(await readAll(blobs, 10)).toEqual(LARGE.subarray(0, 10));
});

test("a bucket that is not there, or not ours, is no store", async () => {
  await using server = await startS3();
  const credentials = { accessKeyId: "S3RVER", secretAccessKey: "wrong" };

  await expect((await openS3Blobs({ ...server.settings, bucket: "another" })).check()).rejects.toThrow("NoSuchBucket");
  await expect((await openS3Blobs({ ...server.settings, credentials })).check()).rejects.toThrow("SignatureDoesNotMatch");
});

test("a bucket is of use to others while many readers take nothing of what they have asked for", async () => {
  await using server = await startS3();
  const blobs = await openS3Blobs(server.settings);
  const writer = await blobs.resume(ID, await blobs.begin(ID));
  await writer.write(LARGE);
  await writer.flush(true);
  await writer.finish();
  await writer.close();

  const readers = Array.from({ length: 60 }, () => blobs.read(ID, { offset: 0, length: LARGE.length })[Symbol.asyncIterator]());
  await Promise.all(readers.map((reader) => reader.next()));

  await blobs.check();
  expect((await blobs.begin("another")).length).toBe(0);
  await Promise.all(readers.map((reader) => reader.return?.()));
});

test("a bucket whose connection breaks in the middle of an object is asked again later", async () => {
  const breaking = createServer((_request, response) => {
    response.writeHead(206, { "content-length": "1000" });
    response.write(Buffer.alloc(10), () => response.destroy());
  });
  await once(breaking.listen(0, "127.0.0.1"), "listening");
  await using _ = { [Symbol.asyncDispose]: async () => void breaking.close() };
  await using server = await startS3();
  const { port } = breaking.address() as AddressInfo;
  const blobs = await openS3Blobs({ ...server.settings, endpoint: `http://127.0.0.1:${port}` });

  await expect(readAll(blobs, 1_000)).rejects.toMatchObject({ kind: "unavailable", reason: "STORAGE_AWAY" });
});

test("a bucket that has forgotten an upload has no such blob", async () => {
  await using server = await startS3();
  const blobs = await openS3Blobs(server.settings);
  const draft = await blobs.begin(ID);
  const writer = await blobs.resume(ID, draft);
  await blobs.remove(ID, draft);

  await expect(writer.write(LARGE)).rejects.toThrow(BlobGone);
  await writer.close();
});

test("a bucket whose server is away or broken is asked again later", async () => {
  await using server = await startS3();
  const broken = createServer((_request, response) => response.writeHead(500).end());
  await once(broken.listen(0, "127.0.0.1"), "listening");
  await using _ = { [Symbol.asyncDispose]: async () => void broken.close() };
  const { port } = broken.address() as AddressInfo;
  const away = { kind: "unavailable", reason: "STORAGE_AWAY" };

  for (const endpoint of [`http://127.0.0.1:${port}`, "http://127.0.0.1:1"]) {
    await expect((await openS3Blobs({ ...server.settings, endpoint })).begin(ID)).rejects.toMatchObject(away);
  }
});

test("nobody else on the machine may read the files", async () => {
  await using server = await startDocuments();
  await uploadAll(server, someBytes(10));
  await begin(server, someBytes(10));

  for (const entry of await readdir(server.folder, { recursive: true, withFileTypes: true })) {
    const { mode } = await stat(join(entry.parentPath, entry.name));
    expect((mode & 0o777).toString(8)).toBe(entry.isDirectory() ? "700" : "600");
  }
});
