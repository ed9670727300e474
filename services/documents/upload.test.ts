import { Status } from "nice-grpc";
import { DocumentKind } from "../../gen/bookstore/documents/v1/document.ts";
import {
  begin,
  type DocumentsServer,
  sendChunks,
  startDocuments,
  testFolder,
  uploadAll,
  written,
} from "../../test/support/documents.ts";
import type { BlobStore } from "./blob-store.ts";
import { openFileBlobs } from "./file-blobs.ts";
import { announce, byHand, chunksOf, gather, someBytes } from "./testing.ts";

async function kept(server: DocumentsServer, uploadId: string): Promise<number> {
  const { upload } = await server.client.getUpload({ userId: "a", uploadId });
  return Number(upload?.offset);
}

test("a document that was uploaded is there, byte for byte", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(1_000_003);

  const document = await uploadAll(server, bytes);

  expect(document).toMatchObject({
    ...{ userId: "a", name: "notes.txt", contentType: "text/plain", kind: DocumentKind.DOCUMENT_KIND_PRIVATE },
    ...{ size: 1_000_003n, sha256: announce(bytes).sha256, bookId: 0, orderId: "" },
  });
  const downloaded = await gather(server.client.downloadDocument({ userId: "a", documentId: document.id }));
  expect(downloaded.document).toEqual(document);
  expect(downloaded.bytes.equals(bytes)).toBe(true);
  expect((await server.client.getUpload({ userId: "a", uploadId: document.id })).upload).toMatchObject({ complete: true });
});

test("nothing of a document is there before it is complete", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(100_000);
  const upload = await begin(server, bytes);

  const { document } = await sendChunks(server, chunksOf(upload, bytes, { to: 99_999 }));

  expect(document).toBeUndefined();
  expect((await server.client.listDocuments({ userId: "a" })).documents).toEqual([]);
  const nowhere = { code: Status.NOT_FOUND, reason: "DOCUMENT_NOT_FOUND" };
  await expect(server.client.getDocument({ userId: "a", documentId: upload.id })).rejects.toMatchObject(nowhere);
  await expect(gather(server.client.downloadDocument({ userId: "a", documentId: upload.id }))).rejects.toMatchObject(nowhere);
});

test.each([[1], [65_537], [99_999]])("an upload goes on at byte %d, by another server too", async (offset) => {
  await using first = await startDocuments();
  const bytes = someBytes(100_000);
  const upload = await begin(first, bytes);
  await sendChunks(first, chunksOf(upload, bytes, { to: offset }));
  const { url, folder, users } = first;
  await using second = await startDocuments({ url, folder, users });
  const from = await kept(second, upload.id);

  const { document } = await sendChunks(second, chunksOf(upload, bytes, { from, size: 1_237 }));

  expect(from).toBe(offset);
  const { bytes: downloaded } = await gather(second.client.downloadDocument({ userId: "a", documentId: document?.id ?? "" }));
  expect(downloaded.equals(bytes)).toBe(true);
});

test("bytes that are there already are left out", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(10_000);
  const upload = await begin(server, bytes);
  await sendChunks(server, chunksOf(upload, bytes, { to: 7_000 }));

  const { document } = await sendChunks(server, chunksOf(upload, bytes, { from: 3, size: 2_000 }));

  const { bytes: downloaded } = await gather(server.client.downloadDocument({ userId: "a", documentId: document?.id ?? "" }));
  expect(downloaded.equals(bytes)).toBe(true);
});

test("bytes behind a gap are refused, with the offset at which to go on, and what came before is kept", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(10_000);
  const upload = await begin(server, bytes);
  async function* withGap() {
    yield* chunksOf(upload, bytes, { to: 4_000 });
    yield* chunksOf(upload, bytes, { from: 4_001 });
  }

  await expect(sendChunks(server, withGap())).rejects.toMatchObject({
    ...{ code: Status.OUT_OF_RANGE, reason: "WRONG_OFFSET", metadata: { offset: "4000" } },
  });

  expect(await kept(server, upload.id)).toBe(4_000);
  const { document } = await sendChunks(server, chunksOf(upload, bytes, { from: 4_000 }));
  expect(document?.size).toBe(10_000n);
});

test("what was sent is kept when the caller goes away in the middle", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(10_000);
  const upload = await begin(server, bytes);
  const controller = new AbortController();
  const messages = byHand();
  const metadata = server.users.as("a");
  const call = expect(server.client.uploadChunks(messages, { metadata, signal: controller.signal })).rejects.toThrow(/abort/i);
  for await (const chunk of chunksOf(upload, bytes, { to: 6_000, size: 1_000 })) messages.send(chunk);
  await written(server, upload.id, 6_000);
  controller.abort();
  await call;

  // Waits for the one before.
  await sendChunks(server, chunksOf(upload, bytes, { to: 0 }));
  const from = await kept(server, upload.id);
  const { document } = await sendChunks(server, chunksOf(upload, bytes, { from }));
  expect(document?.size).toBe(10_000n);
});

test("of two calls that send for one upload, the later one goes on and the earlier one is ended", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(10_000);
  const upload = await begin(server, bytes);
  const earlier = byHand();
  const ending = expect(sendChunks(server, earlier)).rejects.toMatchObject({ code: Status.ABORTED, reason: "OTHER_WRITER" });
  for await (const chunk of chunksOf(upload, bytes, { to: 4_000 })) earlier.send(chunk);
  await written(server, upload.id, 4_000);

  const later = sendChunks(server, chunksOf(upload, bytes, { from: 4_000 }));

  await ending;
  expect((await later).document?.size).toBe(10_000n);
});

test("a call of another server takes an upload over too", async () => {
  await using one = await startDocuments();
  const { url, folder, users } = one;
  await using other = await startDocuments({ url, folder, users });
  const bytes = someBytes(10_000);
  const upload = await begin(one, bytes);
  const earlier = byHand();
  const ending = expect(sendChunks(one, earlier)).rejects.toMatchObject({ code: Status.ABORTED, reason: "OTHER_WRITER" });
  for await (const chunk of chunksOf(upload, bytes, { to: 4_000 })) earlier.send(chunk);
  await written(one, upload.id, 4_000);

  const { document } = await sendChunks(other, chunksOf(upload, bytes));
  earlier.end();

  await ending;
  const { bytes: downloaded } = await gather(one.client.downloadDocument({ userId: "a", documentId: document?.id ?? "" }));
  expect(downloaded.equals(bytes)).toBe(true);
});

test("a call that another server has taken over from throws nothing away", async () => {
  await using one = await startDocuments();
  const { url, folder, users } = one;
  await using other = await startDocuments({ url, folder, users });
  const bytes = someBytes(10_000);
  const upload = await begin(one, bytes);
  const earlier = byHand();
  const ending = expect(sendChunks(one, earlier)).rejects.toMatchObject({ code: Status.ABORTED, reason: "OTHER_WRITER" });
  for await (const chunk of chunksOf(upload, bytes, { to: 4_000 })) earlier.send(chunk);
  await written(one, upload.id, 4_000);
  await sendChunks(other, chunksOf(upload, bytes, { to: 6_000 }));

  // More than was announced: a call that still may write gives the upload up.
  for await (const chunk of chunksOf(upload, someBytes(10_001), { from: 4_000 })) earlier.send(chunk);
  await ending;

  const { document } = await sendChunks(other, chunksOf(upload, bytes, { from: 6_000 }));
  expect(document?.size).toBe(10_000n);
});

test("an upload that is complete is answered with its document again", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(1_000);
  const document = await uploadAll(server, bytes);

  const again = await sendChunks(server, chunksOf(document, bytes, { from: 1_000 }));

  expect(again.document).toEqual(document);
});

test("a call that sends nothing for too long is ended, and what it sent is kept", async () => {
  await using server = await startDocuments({ idleMs: 100 });
  const bytes = someBytes(10_000);
  const upload = await begin(server, bytes);
  const messages = byHand();
  for await (const chunk of chunksOf(upload, bytes, { to: 4_000 })) messages.send(chunk);

  await expect(sendChunks(server, messages)).rejects.toMatchObject({
    ...{ code: Status.DEADLINE_EXCEEDED, reason: "UPLOAD_STALLED" },
  });

  await sendChunks(server, chunksOf(upload, bytes, { to: 0 }));
  expect(await kept(server, upload.id)).toBe(4_000);
});

test("a call whose bytes the store takes its time with is not one that sends nothing", async () => {
  await using folder = await testFolder();
  const files = await openFileBlobs(folder.path);
  const store = { asked: Promise.withResolvers<void>(), done: Promise.withResolvers<void>() };
  const blobs: BlobStore = {
    ...files,
    async resume(id, draft) {
      const writer = await files.resume(id, draft);
      return {
        ...writer,
        async write(data) {
          store.asked.resolve();
          await store.done.promise;
          await writer.write(data);
        },
      };
    },
  };
  await using server = await startDocuments({ blobs, idleMs: 200 });
  const bytes = someBytes(10_000);
  const sending = sendChunks(server, chunksOf(await begin(server, bytes), bytes, { size: 5_000 }));
  sending.catch(() => {});
  await store.asked.promise;

  // The time of another one, which begins now, is over: so that of this one would be.
  await expect(sendChunks(server, byHand())).rejects.toMatchObject({ reason: "UPLOAD_STALLED" });
  store.done.resolve();

  expect((await sending).document?.size).toBe(10_000n);
});

test("an upload is of one document alone", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(1_000);
  const [one, other] = [await begin(server, bytes), await begin(server, bytes)];
  async function* mixed() {
    yield* chunksOf(one, bytes, { to: 500 });
    yield* chunksOf(other, bytes, { from: 500 });
  }

  await expect(sendChunks(server, mixed())).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT, reason: "WRONG_UPLOAD" });

  expect(await kept(server, one.id)).toBe(500);
});
