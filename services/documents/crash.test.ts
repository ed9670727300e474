import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { begin, sendChunks, startDocuments, uploadAll } from "../../test/support/documents.ts";
import { chunksOf, gather, orderPlaced, someBytes } from "./testing.ts";
import type { ReplicaWork } from "./testing-replica.ts";

const REPLICA = fileURLToPath(new URL("./testing-replica.ts", import.meta.url));
const END_AT_STEP = fileURLToPath(new URL("../../test/support/end-at-step.ts", import.meta.url));
/** More than what is made durable at once. */
const SIZE = 9_000_000;

/** Lets a replica work until it ends at a step, as if the machine lost its power. */
async function crashAt(step: string, work: ReplicaWork): Promise<void> {
  const execArgv = ["--import", END_AT_STEP];
  const replica = fork(REPLICA, [JSON.stringify(work)], { execArgv, env: { ...process.env, END_AT_STEP: step } });
  await once(replica, "message");
  replica.send("go");
  const [, signal] = await once(replica, "exit");
  expect(signal).toBe("SIGKILL");
}

test.each([
  ["documents.draft-begun", 0],
  ["documents.bytes-written", 0],
  ["documents.all-committed", SIZE],
  ["documents.blob-finished", SIZE],
])("a process that is ended at %s shows no half, and the upload goes on at byte %d", async (step, offset) => {
  await using server = await startDocuments();
  const { url, folder, client } = server;
  const bytes = someBytes(SIZE);
  const upload = await begin(server, bytes);
  await crashAt(step, { url, folder, upload: { id: upload.id, size: SIZE } });
  expect((await client.listDocuments({ userId: "a" })).documents).toEqual([]);
  const { upload: now } = await client.getUpload({ userId: "a", uploadId: upload.id });
  expect(now?.offset).toBe(BigInt(offset));

  const { document } = await sendChunks(server, chunksOf(upload, bytes, { from: offset, size: 262_144 }));

  const downloaded = await gather(client.downloadDocument({ userId: "a", documentId: document?.id ?? "" }));
  expect(downloaded.bytes.equals(bytes)).toBe(true);
  expect(await server.files()).toEqual([upload.id]);
});

test.each([["documents.bytes-written"], ["documents.blob-finished"]])(
  "a process that is ended at %s leaves no bytes for ever, if nobody goes on",
  async (step) => {
    let now = new Date();
    await using server = await startDocuments({ now: () => now });
    const { url, folder } = server;
    const upload = await begin(server, someBytes(SIZE));
    await crashAt(step, { url, folder, upload: { id: upload.id, size: SIZE } });
    await server.janitor.clean();
    expect(await server.files()).toEqual([upload.id]);

    now = new Date(now.getTime() + 2 * 86_400_000);
    await server.janitor.clean();

    expect(await server.files()).toEqual([]);
    await expect(server.client.getUpload({ userId: "a", uploadId: upload.id })).rejects.toMatchObject({
      reason: "UPLOAD_NOT_FOUND",
    });
    expect((await server.client.listDocuments({ userId: "a" })).usedBytes).toBe(0n);
  },
);

test("a process that is ended when the document is there has shown all of it", async () => {
  await using server = await startDocuments();
  const { url, folder, client } = server;
  const bytes = someBytes(SIZE);
  const upload = await begin(server, bytes);

  await crashAt("documents.document-complete", { url, folder, upload: { id: upload.id, size: SIZE } });

  expect((await client.getUpload({ userId: "a", uploadId: upload.id })).upload?.complete).toBe(true);
  const downloaded = await gather(client.downloadDocument({ userId: "a", documentId: upload.id }));
  expect(downloaded.bytes.equals(bytes)).toBe(true);
});

test("a process that is ended in the middle of deleting has deleted, and the bytes go later", async () => {
  await using server = await startDocuments();
  const { url, folder } = server;
  const document = await uploadAll(server, someBytes(1_000));

  await crashAt("documents.document-deleted", { url, folder, delete: document.id });

  await expect(server.client.getDocument({ userId: "a", documentId: document.id })).rejects.toMatchObject({
    reason: "DOCUMENT_NOT_FOUND",
  });
  expect(await server.files()).toEqual([document.id]);
  await server.janitor.clean();
  expect(await server.files()).toEqual([]);
});

test.each([["documents.receipt-written"], ["events.consumer.before-commit"]])(
  "a process that is ended at %s makes one receipt of the order in the end",
  async (step) => {
    let now = new Date();
    await using server = await startDocuments({ now: () => now });
    const { url, folder } = server;
    await crashAt(step, { url, folder, orderId: "order-1" });

    await server.events.handle(orderPlaced({ orderId: "order-1" }));

    const { document } = await server.client.findReceipt({ userId: "a", orderId: "order-1" });
    expect((await server.client.listDocuments({ userId: "a" })).documents).toEqual([document]);
    now = new Date(now.getTime() + 86_400_000);
    await server.janitor.clean();
    expect(await server.files()).toEqual([document?.id]);
  },
);
