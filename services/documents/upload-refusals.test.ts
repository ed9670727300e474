import { Status } from "nice-grpc";
import { begin, sendChunks, startDocuments, uploadAll, written } from "../../test/support/documents.ts";
import { announce, byHand, chunksOf, orderPlaced, someBytes } from "./testing.ts";

const GONE = { code: Status.NOT_FOUND, reason: "UPLOAD_NOT_FOUND" };

test("bytes that are not what was announced make no document, and are removed", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(10_000);
  const upload = await begin(server, bytes);
  const others = Buffer.from(bytes);
  others.write("!", 5_000);

  await expect(sendChunks(server, chunksOf(upload, others))).rejects.toMatchObject({
    ...{ code: Status.INVALID_ARGUMENT, reason: "CHECKSUM_MISMATCH" },
  });

  await expect(server.client.getUpload({ userId: "a", uploadId: upload.id })).rejects.toMatchObject(GONE);
  expect((await server.client.listDocuments({ userId: "a" })).documents).toEqual([]);
  expect(await server.files()).toEqual([]);
});

test("they make none either when some of them came by an earlier call", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(10_000);
  const upload = await begin(server, bytes);
  const others = Buffer.from(bytes);
  others.write("!", 10);
  await sendChunks(server, chunksOf(upload, others, { to: 5_000 }));

  await expect(sendChunks(server, chunksOf(upload, bytes, { from: 5_000 }))).rejects.toMatchObject({
    reason: "CHECKSUM_MISMATCH",
  });

  expect(await server.files()).toEqual([]);
});

test("more bytes than were announced make no document", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(10_000);
  const upload = await begin(server, bytes);

  await expect(sendChunks(server, chunksOf(upload, someBytes(10_001)))).rejects.toMatchObject({ reason: "CHECKSUM_MISMATCH" });

  expect(await server.files()).toEqual([]);
});

test.each([
  ["text/html", someBytes(100)],
  ["image/svg+xml", someBytes(100)],
  ["TEXT/PLAIN", someBytes(100)],
  ["application/x-msdownload", someBytes(100)],
])("a document of type %s is not taken", async (contentType, bytes) => {
  await using server = await startDocuments();

  await expect(begin(server, bytes, { contentType })).rejects.toMatchObject({
    ...{ code: Status.INVALID_ARGUMENT, reason: "UNSUPPORTED_TYPE", violations: [{ field: "content_type" }] },
  });
});

test.each([[100], [100_000]])("a document of %d bytes is not taken for what it is not", async (length) => {
  await using server = await startDocuments();
  const upload = await begin(server, someBytes(length), { contentType: "application/pdf" });

  await expect(sendChunks(server, chunksOf(upload, someBytes(length)))).rejects.toMatchObject({
    ...{ code: Status.INVALID_ARGUMENT, reason: "CONTENT_MISMATCH" },
  });

  expect(await server.files()).toEqual([]);
});

test("a document that is larger than any may be is refused before it is sent", async () => {
  await using server = await startDocuments({ maxDocumentBytes: 1_000 });

  await begin(server, someBytes(1_000));
  await expect(begin(server, someBytes(1_001))).rejects.toMatchObject({
    ...{ code: Status.RESOURCE_EXHAUSTED, reason: "DOCUMENT_TOO_LARGE", metadata: { limit: "1000" } },
  });
});

test("a user keeps no more than the quota, however many uploads begin at once", async () => {
  await using server = await startDocuments({ userQuotaBytes: 10_000 });
  const document = await uploadAll(server, someBytes(4_000));
  const full = { code: Status.RESOURCE_EXHAUSTED, reason: "QUOTA_EXCEEDED", metadata: { limit: "10000" } };

  const begun = await Promise.allSettled(Array.from({ length: 5 }, () => begin(server, someBytes(2_000))));

  expect(begun.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
  await expect(begin(server, someBytes(1))).rejects.toMatchObject(full);
  await begin(server, someBytes(10_000), { userId: "b" });
  expect(await server.client.listDocuments({ userId: "a" })).toMatchObject({ usedBytes: 10_000n, quotaBytes: 10_000n });
  await server.client.deleteDocument({ userId: "a", documentId: document.id });
  await begin(server, someBytes(4_000));
});

test("a user keeps only so many documents, however small they are", async () => {
  await using server = await startDocuments();
  const { client, events, store } = server;
  const bytes = someBytes(1);
  const first = await uploadAll(server, bytes);
  await events.handle(orderPlaced({ userId: "a" }));
  const row = await store.db.selectFrom("documents").selectAll().where("id", "=", first.id).executeTakeFirstOrThrow();
  const others = Array.from({ length: 9_998 }, (_, i) => ({ ...row, id: `document-${i}` }));
  // A query takes only so many values.
  for (let i = 0; i < others.length; i += 3_000)
    await store.db
      .insertInto("documents")
      .values(others.slice(i, i + 3_000))
      .execute();
  await begin(server, bytes);

  await expect(begin(server, bytes)).rejects.toMatchObject({
    ...{ code: Status.RESOURCE_EXHAUSTED, reason: "TOO_MANY_DOCUMENTS", metadata: { limit: "10000" } },
  });

  await begin(server, bytes, { userId: "b" });
  const metadata = server.users.as("a", { administrator: true });
  await client.createSampleUpload({ ...announce(bytes), bookId: 7 }, { metadata });
  await client.deleteDocument({ userId: "a", documentId: first.id });
  await begin(server, bytes);
});

test("a user begins only so many uploads without finishing them", async () => {
  await using server = await startDocuments();
  const begun = [];
  for (let i = 0; i < 20; i++) begun.push(await begin(server, someBytes(1)));

  await expect(begin(server, someBytes(1))).rejects.toMatchObject({
    code: Status.RESOURCE_EXHAUSTED,
    reason: "TOO_MANY_UPLOADS",
  });

  await server.client.deleteUpload({ userId: "a", uploadId: begun[0]?.id ?? "" });
  await begin(server, someBytes(1));
});

test("only so many send at once, and none of them all alone", async () => {
  await using server = await startDocuments({ maxUploadsAtOnce: 4 });
  const bytes = someBytes(1_000);
  const sending = byHand();
  const upload = await begin(server, bytes);
  const call = sendChunks(server, sending);
  for await (const chunk of chunksOf(upload, bytes, { to: 500 })) sending.send(chunk);
  await written(server, upload.id, 500);

  await expect(uploadAll(server, bytes)).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED, reason: "OVERLOADED" });
  await uploadAll(server, bytes, { userId: "b" });

  for await (const chunk of chunksOf(upload, bytes, { from: 500 })) sending.send(chunk);
  await call;
});

test.each([
  ["size", { size: 0n }],
  ["sha256", { sha256: "ABC" }],
  ["name", { name: "" }],
  ["content_type", { contentType: "" }],
])("an announcement without a proper %s is refused", async (field, wrong) => {
  await using server = await startDocuments();

  await expect(server.client.createUpload({ ...announce(someBytes(1)), ...wrong })).rejects.toMatchObject({
    ...{ code: Status.INVALID_ARGUMENT, violations: [{ field }] },
  });
});

test("a call that sends no message at all is refused", async () => {
  await using server = await startDocuments();

  await expect(sendChunks(server, (async function* () {})())).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
});
