import { DocumentKind } from "../../gen/bookstore/documents/v1/document.ts";
import { begin, filesIn, sendChunks, startDocuments, testFolder, uploadAll, written } from "../../test/support/documents.ts";
import { openFileBlobs } from "./file-blobs.ts";
import { Janitor } from "./janitor.ts";
import { byHand, chunksOf, someBytes } from "./testing.ts";

const HOUR_MS = 3_600_000;

function testClock() {
  let now = new Date("2026-11-01T12:00:00Z");
  return { now: () => now, pass: (ms: number) => (now = new Date(now.getTime() + ms)) };
}

const GONE = { reason: "UPLOAD_NOT_FOUND" };

test("an upload that nobody goes on with expires, and its bytes go", async () => {
  const clock = testClock();
  await using server = await startDocuments({ now: clock.now, uploadExpiryMs: HOUR_MS });
  const bytes = someBytes(1_000);
  const upload = await begin(server, bytes);
  await sendChunks(server, chunksOf(upload, bytes, { to: 500 }));

  clock.pass(HOUR_MS);

  const { client } = server;
  await expect(client.getUpload({ userId: "a", uploadId: upload.id })).rejects.toMatchObject(GONE);
  await expect(sendChunks(server, chunksOf(upload, bytes))).rejects.toMatchObject(GONE);
  await server.janitor.clean();
  expect(await server.files()).toEqual([]);
  expect((await client.listDocuments({ userId: "a" })).usedBytes).toBe(0n);
});

test("uploads expire however many they are", async () => {
  await using server = await startDocuments();
  const { db, doomed } = server.store;
  const begun = {
    user_id: "a",
    kind: DocumentKind.DOCUMENT_KIND_PRIVATE,
    name: "a.txt",
    content_type: "text/plain",
    size: 1,
    sha256: "",
    book_id: 0,
    writer: null,
  };
  const uploads = Array.from({ length: 1_000 }, (_, i) => ({ id: `${i}`, ...begun, complete: 0, expires_at_ms: 1 }));
  for (let i = 0; i < 33; i++) {
    await db
      .insertInto("uploads")
      .values(uploads.map((upload) => ({ ...upload, id: `${i} ${upload.id}` })))
      .execute();
  }

  await doomed.expireUploads(new Date());

  expect(await db.selectFrom("uploads").select("id").execute()).toEqual([]);
});

test("an upload waits anew from what came last", async () => {
  const clock = testClock();
  await using server = await startDocuments({ now: clock.now, uploadExpiryMs: HOUR_MS });
  const bytes = someBytes(1_000);
  const upload = await begin(server, bytes);
  clock.pass(HOUR_MS - 1_000);
  await sendChunks(server, chunksOf(upload, bytes, { to: 500 }));
  clock.pass(HOUR_MS - 1_000);
  await server.janitor.clean();

  const { document } = await sendChunks(server, chunksOf(upload, bytes, { from: 500 }));

  expect(document?.size).toBe(1_000n);
});

test("an upload that expires while bytes come takes no more of them", async () => {
  const clock = testClock();
  await using server = await startDocuments({ now: clock.now, uploadExpiryMs: HOUR_MS });
  const bytes = someBytes(1_000);
  const upload = await begin(server, bytes);
  const messages = byHand();
  const ending = expect(sendChunks(server, messages)).rejects.toMatchObject({ reason: "OTHER_WRITER" });
  for await (const chunk of chunksOf(upload, bytes, { to: 500 })) messages.send(chunk);
  await written(server, upload.id, 500);

  clock.pass(HOUR_MS);
  await server.janitor.clean();
  for await (const chunk of chunksOf(upload, bytes, { from: 500 })) messages.send(chunk);

  await ending;
  expect(await server.files()).toEqual([]);
});

test("a document outlives its upload", async () => {
  const clock = testClock();
  await using server = await startDocuments({ now: clock.now, uploadExpiryMs: HOUR_MS });
  const { id } = await uploadAll(server, someBytes(1_000));

  clock.pass(2 * HOUR_MS);
  await server.janitor.clean();

  await expect(server.client.getUpload({ userId: "a", uploadId: id })).rejects.toMatchObject(GONE);
  expect((await server.client.getDocument({ userId: "a", documentId: id })).document?.id).toBe(id);
  expect(await server.files()).toEqual([id]);
});

test("an upload that is given up goes at once, with its bytes; a complete one stays", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(1_000);
  const upload = await begin(server, bytes);
  await sendChunks(server, chunksOf(upload, bytes, { to: 500 }));
  const { id } = await uploadAll(server, bytes);

  await server.client.deleteUpload({ userId: "a", uploadId: upload.id });

  await expect(server.client.getUpload({ userId: "a", uploadId: upload.id })).rejects.toMatchObject(GONE);
  await expect(server.client.deleteUpload({ userId: "a", uploadId: id })).rejects.toMatchObject({ reason: "UPLOAD_COMPLETE" });
  expect(await server.files()).toEqual([id]);
});

test("bytes that cannot be removed are removed later, and do not keep the others", async () => {
  await using server = await startDocuments();
  const stuck = await uploadAll(server, someBytes(1_000));
  const other = await uploadAll(server, someBytes(1_000));
  const { store, blobs, logger } = server;
  let broken = true;
  const janitor = new Janitor({
    ...{ store: store.doomed, logger, now: () => new Date() },
    blobs: {
      async remove(id, draft) {
        if (broken && id === stuck.id) throw new Error("the disk is gone");
        await blobs.remove(id, draft);
      },
    },
  });
  for (const { id } of [stuck, other]) await store.documents.delete(id);

  await janitor.clean();
  expect(await server.files()).toEqual([stuck.id]);
  broken = false;
  await janitor.clean();

  expect(await server.files()).toEqual([]);
});

test("who gives something up does not wait for what others have given up", async () => {
  await using files = await testFolder();
  const removed: string[] = [];
  const blobs = await openFileBlobs(files.path);
  await using server = await startDocuments({
    blobs: {
      ...blobs,
      async remove(id, draft) {
        removed.push(id);
        await blobs.remove(id, draft);
      },
    },
  });
  const others = await uploadAll(server, someBytes(100), { userId: "b" });
  await server.store.documents.delete(others.id);
  const document = await uploadAll(server, someBytes(100));
  const upload = await begin(server, someBytes(100));

  await server.client.deleteDocument({ userId: "a", documentId: document.id });
  await server.client.deleteUpload({ userId: "a", uploadId: upload.id });

  expect(removed).toEqual([document.id, upload.id]);
  await server.janitor.clean();
  expect(removed).toEqual([document.id, upload.id, others.id]);
});

test("an upload that is deleted in the moment in which its bytes begin leaves none", async () => {
  await using files = await testFolder();
  const blobs = await openFileBlobs(files.path);
  let uploadId = "";
  await using server = await startDocuments({
    blobs: {
      ...blobs,
      async begin(id) {
        await server.client.deleteUpload({ userId: "a", uploadId });
        return blobs.begin(id);
      },
    },
  });
  const bytes = someBytes(100);
  const upload = await begin(server, bytes);
  uploadId = upload.id;

  await expect(sendChunks(server, chunksOf(upload, bytes))).rejects.toMatchObject({ reason: "OTHER_WRITER" });

  await server.janitor.clean();
  expect(await filesIn(files.path)).toEqual([]);
});
