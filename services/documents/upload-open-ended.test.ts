import { createHash } from "node:crypto";
import { Status } from "nice-grpc";
import type { UploadChunksRequest } from "../../gen/bookstore/documents/v1/upload_service.ts";
import { type DocumentsServer, filesIn, sendChunks, startDocuments, written } from "../../test/support/documents.ts";
import { startS3 } from "../../test/support/s3.ts";
import { openS3Blobs } from "./s3-blobs.ts";
import { announce, byHand, chunksOf, gather, someBytes } from "./testing.ts";

const GONE = { code: Status.NOT_FOUND, reason: "UPLOAD_NOT_FOUND" };
const MIB = 1_048_576;

async function begin(server: DocumentsServer, atMost: number, contentType = "text/plain") {
  const announced = { userId: "a", name: "notes.txt", contentType, size: BigInt(atMost), openEnded: true };
  const { upload } = await server.client.createUpload(announced);
  if (upload === undefined) throw new Error("no upload");
  return upload;
}

/** The messages that bring all of it, with the checksum behind them. */
async function* all(upload: { userId: string; id: string }, bytes: Buffer, sha256 = announce(bytes).sha256) {
  yield* chunksOf(upload, bytes);
  yield { ...end(upload, bytes.length), sha256 };
}

function end({ userId, id }: { userId: string; id: string }, at: number): UploadChunksRequest {
  return { userId, uploadId: id, offset: BigInt(at), data: Buffer.alloc(0), sha256: undefined };
}

async function expectNothingOf(server: DocumentsServer, uploadId: string): Promise<void> {
  await expect(server.client.getUpload({ userId: "a", uploadId })).rejects.toMatchObject(GONE);
  expect(await server.client.listDocuments({ userId: "a" })).toMatchObject({ documents: [], usedBytes: 0n });
  expect(await server.files()).toEqual([]);
}

test("a document whose size is known at its end has the size that it turned out to have", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(9 * MIB + 3);
  const upload = await begin(server, 20 * MIB);
  expect(await server.client.listDocuments({ userId: "a" })).toMatchObject({ usedBytes: BigInt(20 * MIB) });

  const { document } = await sendChunks(server, all(upload, bytes));

  const { size, sha256 } = { size: BigInt(bytes.length), sha256: createHash("sha256").update(bytes).digest("hex") };
  expect(document).toMatchObject({ id: upload.id, size, sha256 });
  expect(await server.client.getUpload({ userId: "a", uploadId: upload.id })).toMatchObject({
    upload: { complete: true, size, offset: size },
  });
  expect(await server.client.listDocuments({ userId: "a" })).toMatchObject({ usedBytes: size });
  const sent = await gather(server.client.downloadDocument({ userId: "a", documentId: upload.id }));
  expect(sent.bytes.equals(bytes)).toBe(true);
});

test.each<[string, (upload: { userId: string; id: string }) => AsyncIterable<UploadChunksRequest>]>([
  ["whose checksum never comes", (upload) => chunksOf(upload, someBytes(1_000))],
  ["that is not what its checksum says", (upload) => all(upload, someBytes(1_000), "0".repeat(64))],
  ["that is larger than it was to be at most", (upload) => all(upload, someBytes(2_001))],
  ["of no bytes", (upload) => all(upload, Buffer.alloc(0))],
])("nothing is left of one %s", async (_what, chunks) => {
  await using server = await startDocuments();
  const upload = await begin(server, 2_000);

  await expect(sendChunks(server, chunks(upload))).rejects.toMatchObject({
    ...{ code: Status.INVALID_ARGUMENT, reason: "CHECKSUM_MISMATCH" },
  });

  await expectNothingOf(server, upload.id);
});

test("nothing is left of one of no bytes where there is a bucket", async () => {
  await using bucket = await startS3();
  await using server = await startDocuments({ blobs: await openS3Blobs(bucket.settings) });
  const upload = await begin(server, 2_000);
  const kept = await filesIn(bucket.folder);

  await expect(sendChunks(server, all(upload, Buffer.alloc(0)))).rejects.toMatchObject({
    ...{ code: Status.INVALID_ARGUMENT, reason: "CHECKSUM_MISMATCH" },
  });

  await expectNothingOf(server, upload.id);
  expect(await filesIn(bucket.folder)).toEqual(kept);
});

test.each([[100], [100_000]])("nothing is left of one of %d bytes that is not of its type", async (length) => {
  await using server = await startDocuments();
  const upload = await begin(server, 200_000, "application/pdf");

  await expect(sendChunks(server, all(upload, someBytes(length)))).rejects.toMatchObject({ reason: "CONTENT_MISMATCH" });

  await expectNothingOf(server, upload.id);
});

test("nothing is left of one whose call breaks off: nobody could go on with it", async () => {
  await using server = await startDocuments();
  const upload = await begin(server, 20_000);
  const sending = byHand();
  const caller = new AbortController();
  const call = server.client.uploadChunks(sending, { metadata: server.users.as("a"), signal: caller.signal });
  call.catch(() => {});
  for await (const chunk of chunksOf(upload, someBytes(10_000))) sending.send(chunk);
  await written(server, upload.id, 10_000);

  caller.abort();

  await expect(call).rejects.toThrow();
  while ((await server.files()).length > 0) await new Promise(setImmediate);
  await expectNothingOf(server, upload.id);
});

test("one that nobody goes on with waits for two hours only", async () => {
  const clock = { now: new Date("2026-11-21T12:00:00Z") };
  await using server = await startDocuments({ now: () => clock.now });

  const { id, expireTime } = await begin(server, 1_000);

  expect(expireTime).toEqual(new Date("2026-11-21T14:00:00Z"));
  clock.now = expireTime as Date;
  await server.janitor.clean();
  await expectNothingOf(server, id);
});

test("the quota and the largest size hold for the most that it may have", async () => {
  await using server = await startDocuments({ maxDocumentBytes: 2_000, userQuotaBytes: 3_000 });
  await begin(server, 2_000);

  await expect(begin(server, 2_001)).rejects.toMatchObject({ reason: "DOCUMENT_TOO_LARGE" });
  await expect(begin(server, 1_001)).rejects.toMatchObject({ reason: "QUOTA_EXCEEDED" });
});

test("an upload whose end is known has to say its checksum", async () => {
  await using server = await startDocuments();

  await expect(server.client.createUpload({ ...announce(someBytes(1)), sha256: "" })).rejects.toMatchObject({
    ...{ code: Status.INVALID_ARGUMENT, violations: [{ field: "sha256", description: "is required" }] },
  });
});

test("everybody may know what may be uploaded", async () => {
  await using server = await startDocuments({ maxDocumentBytes: 2_000, allowedContentTypes: ["image/png"] });

  expect(await server.client.getUploadLimits({})).toEqual({ contentTypes: ["image/png"], maxDocumentBytes: 2_000n });
});
