import { Status } from "nice-grpc";
import { Metadata } from "nice-grpc-common";
import { DocumentKind } from "../../gen/bookstore/documents/v1/document.ts";
import { begin, type DocumentsServer, sendChunks, startDocuments, uploadAll, written } from "../../test/support/documents.ts";
import { read } from "../../test/support/service.ts";
import { announce, byHand, chunksOf, gather, someBytes } from "./testing.ts";

const BOOK = 7;

async function uploadSample(server: DocumentsServer, bytes: Uint8Array, bookId = BOOK) {
  const metadata = server.users.as("admin", { administrator: true });
  const { upload } = await server.client.createSampleUpload({ ...announce(bytes, { userId: "admin" }), bookId }, { metadata });
  if (upload === undefined) throw new Error("no upload");
  const { document } = await sendChunks(server, chunksOf(upload, bytes), "admin");
  if (document === undefined) throw new Error("no document");
  return document;
}

test("somebody else's document is one that was never there", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(1_000);
  const { id: documentId } = await uploadAll(server, bytes);
  const { id: uploadId } = await begin(server, bytes);
  const { client } = server;
  const nobody = { code: Status.NOT_FOUND, reason: "DOCUMENT_NOT_FOUND" };

  await expect(client.getDocument({ userId: "b", documentId })).rejects.toMatchObject(nobody);
  await expect(gather(client.downloadDocument({ userId: "b", documentId }))).rejects.toMatchObject(nobody);
  await expect(client.deleteDocument({ userId: "b", documentId })).rejects.toMatchObject(nobody);
  expect((await client.listDocuments({ userId: "b" })).documents).toEqual([]);
  const noUpload = { code: Status.NOT_FOUND, reason: "UPLOAD_NOT_FOUND" };
  await expect(client.getUpload({ userId: "b", uploadId })).rejects.toMatchObject(noUpload);
  await expect(client.deleteUpload({ userId: "b", uploadId })).rejects.toMatchObject(noUpload);
  await expect(sendChunks(server, chunksOf({ userId: "b", id: uploadId }, bytes), "b")).rejects.toMatchObject(noUpload);
  expect((await client.getDocument({ userId: "a", documentId })).document?.id).toBe(documentId);
  expect((await client.getUpload({ userId: "a", uploadId })).upload?.id).toBe(uploadId);
});

test("nobody ends the call that brings somebody else's upload", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(10_000);
  const upload = await begin(server, bytes);
  const messages = byHand();
  const sending = sendChunks(server, messages);
  for await (const chunk of chunksOf(upload, bytes, { to: 4_000 })) messages.send(chunk);
  await written(server, upload.id, 4_000);

  const other = sendChunks(server, chunksOf({ userId: "b", id: upload.id }, bytes), "b");
  await expect(other).rejects.toMatchObject({ reason: "UPLOAD_NOT_FOUND" });
  for await (const chunk of chunksOf(upload, bytes, { from: 4_000 })) messages.send(chunk);

  expect((await sending).document?.size).toBe(10_000n);
});

test("nobody says that he is somebody else, not even in a later message", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(1_000);
  const { id: documentId } = await uploadAll(server, bytes);
  const upload = await begin(server, bytes);
  const metadata = server.users.as("b");
  const refused = { code: Status.NOT_FOUND, reason: "USER_NOT_FOUND" };
  const { client } = server;

  await expect(client.getDocument({ userId: "a", documentId }, { metadata })).rejects.toMatchObject(refused);
  await expect(gather(client.downloadDocument({ userId: "a", documentId }, { metadata }))).rejects.toMatchObject(refused);
  await expect(client.createUpload(announce(bytes), { metadata })).rejects.toMatchObject(refused);
  await expect(sendChunks(server, chunksOf(upload, bytes), "b")).rejects.toMatchObject(refused);
  const own = await begin(server, bytes, { userId: "b" });
  async function* changing() {
    yield* chunksOf(own, bytes, { to: 500 });
    yield* chunksOf(upload, bytes, { from: 500 });
  }
  await expect(sendChunks(server, changing(), "b")).rejects.toMatchObject(refused);
});

test("a guest has no documents", async () => {
  await using server = await startDocuments();
  const { id: documentId } = await uploadAll(server, someBytes(10));
  const asGuest = { metadata: new Metadata() };
  const refused = { code: Status.UNAUTHENTICATED };

  await expect(server.client.listDocuments({ userId: "a" }, asGuest)).rejects.toMatchObject(refused);
  await expect(gather(server.client.downloadDocument({ userId: "a", documentId }, asGuest))).rejects.toMatchObject(refused);
  await expect(server.client.createUpload(announce(someBytes(10)), asGuest)).rejects.toMatchObject(refused);
});

test("everybody reads the sample of a book, guests too", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(100_000);
  const sample = await uploadSample(server, bytes);
  const asGuest = { metadata: new Metadata() };

  expect(sample).toMatchObject({ kind: DocumentKind.DOCUMENT_KIND_SAMPLE, bookId: BOOK, userId: "" });
  expect((await server.client.getSample({ bookId: BOOK }, asGuest)).document).toEqual(sample);
  const range = { offset: 10n, length: 20n };
  const downloaded = await gather(server.client.downloadSample({ bookId: BOOK, documentId: sample.id, ...range }, asGuest));
  expect(downloaded).toEqual({ document: sample, bytes: bytes.subarray(10, 30) });
  const none = { code: Status.NOT_FOUND, reason: "SAMPLE_NOT_FOUND" };
  await expect(server.client.getSample({ bookId: 8 }, asGuest)).rejects.toMatchObject(none);
  await expect(gather(server.client.downloadSample({ bookId: 8 }, asGuest))).rejects.toMatchObject(none);
});

test("only administrators make and delete samples", async () => {
  await using server = await startDocuments();
  const metadata = server.users.as("a");
  const refused = { code: Status.PERMISSION_DENIED };

  await expect(
    server.client.createSampleUpload({ ...announce(someBytes(10)), bookId: BOOK }, { metadata }),
  ).rejects.toMatchObject(refused);
  await uploadSample(server, someBytes(10));
  await expect(server.client.deleteSample({ bookId: BOOK }, { metadata })).rejects.toMatchObject(refused);

  await server.client.deleteSample({ bookId: BOOK });

  await expect(server.client.getSample({ bookId: BOOK })).rejects.toMatchObject({ reason: "SAMPLE_NOT_FOUND" });
  expect(await server.files()).toEqual([]);
});

test("a new sample takes the place of the one before, at the moment it is complete", async () => {
  await using server = await startDocuments();
  const before = await uploadSample(server, someBytes(1_000));

  const after = await uploadSample(server, someBytes(2_000));

  expect((await server.client.getSample({ bookId: BOOK })).document).toEqual(after);
  expect(await server.files()).toEqual([after.id]);
  // Who goes on with the one before does not get a mixture of both.
  await expect(gather(server.client.downloadSample({ bookId: BOOK, documentId: before.id }))).rejects.toMatchObject({
    reason: "SAMPLE_NOT_FOUND",
  });
});

test("samples of one book that are complete at the same moment leave one", async () => {
  await using server = await startDocuments();

  const made = await Promise.allSettled([1_000, 2_000, 3_000].map((size) => uploadSample(server, someBytes(size))));

  expect(made.some(({ status }) => status === "fulfilled")).toBe(true);
  const { document } = await server.client.getSample({ bookId: BOOK });
  const lost = made.flatMap((one) => (one.status === "rejected" ? [one.reason.reason] : []));
  expect(lost.every((reason) => reason === "OTHER_WRITER")).toBe(true);
  expect(await server.files()).toContain(document?.id);
});

test("guests leave room for users, however many samples they read", async () => {
  await using server = await startDocuments({ maxDownloadsAtOnce: 4 });
  const bytes = someBytes(5_000_000);
  await uploadSample(server, bytes);
  const { id: documentId } = await uploadAll(server, bytes);
  const sample = () => read(server.client.downloadSample({ bookId: BOOK }));
  await using one = sample();
  await using another = sample();
  await Promise.all([one.next(), another.next()]);

  await using tooMany = sample();
  await expect(tooMany.next()).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED, reason: "OVERLOADED" });

  expect((await gather(server.client.downloadDocument({ userId: "a", documentId }))).bytes).toHaveLength(bytes.length);
});
