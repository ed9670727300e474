import { Status } from "nice-grpc";
import { DocumentKind } from "../../gen/bookstore/documents/v1/document.ts";
import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import { begin, type DocumentsServer, sendChunks, startDocuments, uploadAll, written } from "../../test/support/documents.ts";
import { testEvent } from "../../test/support/events.ts";
import { announce, byHand, chunksOf, orderPlaced, someBytes } from "./testing.ts";

const deleted = (userId: string) => testEvent(UserDeleted, { userId }, { source: "register", subject: `users/${userId}` });

/** What of a user stands in the store. */
async function leftOf({ store }: DocumentsServer, userId: string): Promise<unknown[]> {
  const tables = (["documents", "uploads", "keepers"] as const).map((table) =>
    store.db.selectFrom(table).selectAll().where("user_id", "=", userId).execute(),
  );
  return (await Promise.all(tables)).flat();
}

/** Uploads the sample of a book as an administrator. */
async function uploadSample({ client, users }: DocumentsServer, userId: string, bytes: Uint8Array): Promise<void> {
  const metadata = users.as(userId, { administrator: true });
  const { upload } = await client.createSampleUpload({ ...announce(bytes, { userId }), bookId: 7 }, { metadata });
  await client.uploadChunks(chunksOf({ userId, id: String(upload?.id) }, bytes), { metadata });
}

test("removes what a deleted user has uploaded, finished or not, and the receipts, with their bytes", async () => {
  await using server = await startDocuments();
  const { client, events, janitor } = server;
  const bytes = someBytes(1_000);
  await uploadAll(server, bytes);
  const unfinished = await begin(server, bytes);
  await sendChunks(server, chunksOf(unfinished, bytes, { to: 500 }));
  await begin(server, bytes);
  await events.handle(orderPlaced({ userId: "a" }));
  const other = await uploadAll(server, bytes, { userId: "b" });

  const event = deleted("a");
  for (let time = 0; time < 3; time++) await events.handle(event);

  expect(await client.listDocuments({ userId: "a" })).toMatchObject({ documents: [], usedBytes: 0n });
  await expect(client.findReceipt({ userId: "a", orderId: "order-1" })).rejects.toMatchObject({ code: Status.NOT_FOUND });
  expect(await leftOf(server, "a")).toEqual([]);
  await janitor.clean();
  expect(await server.files()).toEqual([other.id]);
  expect(await server.store.db.selectFrom("blobs").select("id").execute()).toEqual([{ id: other.id }]);
  expect((await client.listDocuments({ userId: "b" })).documents).toHaveLength(1);
});

test("keeps the sample of a book that an administrator has uploaded who is deleted", async () => {
  await using server = await startDocuments();
  await uploadSample(server, "admin", someBytes(1_000));

  await server.events.handle(deleted("admin"));
  await server.janitor.clean();

  const { document } = await server.client.getSample({ bookId: 7 });
  expect(document).toMatchObject({ kind: DocumentKind.DOCUMENT_KIND_SAMPLE });
  expect(await server.files()).toEqual([document?.id]);
  expect(await leftOf(server, "admin")).toEqual([]);
});

test("makes no receipt for a buyer who is deleted by then, and leaves no bytes of it", async () => {
  let time = new Date("2026-11-21T12:00:00Z");
  await using server = await startDocuments({ now: () => time });
  await server.events.handle(deleted("a"));

  await server.events.handle(orderPlaced({ userId: "a" }));

  expect(await leftOf(server, "a")).toEqual([]);
  time = new Date("2026-11-21T14:00:00Z");
  await server.janitor.clean();
  expect(await server.files()).toEqual([]);
});

test("takes no more bytes of a deleted user, though the access token is good still", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(1_000);
  const upload = await begin(server, bytes);
  const messages = byHand();
  const ending = expect(sendChunks(server, messages)).rejects.toMatchObject({ reason: "OTHER_WRITER" });
  for await (const chunk of chunksOf(upload, bytes, { to: 500 })) messages.send(chunk);
  await written(server, upload.id, 500);

  await server.events.handle(deleted("a"));
  for await (const chunk of chunksOf(upload, bytes, { from: 500 })) messages.send(chunk);

  await ending;
  await expect(begin(server, bytes)).rejects.toMatchObject({ code: Status.NOT_FOUND, reason: "USER_NOT_REGISTERED" });
  await server.janitor.clean();
  expect(await server.files()).toEqual([]);
  expect(await leftOf(server, "a")).toEqual([]);
});

test("sets an event aside that says of nobody that they were deleted, and removes nothing that is nobody's", async () => {
  await using server = await startDocuments();
  await uploadSample(server, "admin", someBytes(1_000));

  await server.events.handle(deleted(""));

  expect(await server.events.setAside.count()).toBe(1);
  expect((await server.client.getSample({ bookId: 7 })).document).toBeDefined();
});
