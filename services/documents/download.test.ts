import { Status } from "nice-grpc";
import type { CallFailure } from "../../clients/call-failure.ts";
import { startDocuments, uploadAll } from "../../test/support/documents.ts";
import { read } from "../../test/support/service.ts";
import { gather, someBytes } from "./testing.ts";

const NOT_FOUND = { code: Status.NOT_FOUND, reason: "DOCUMENT_NOT_FOUND" };

test.each([
  [0, 0, 0, 200_000],
  [0, 1, 0, 1],
  [1, 0, 1, 200_000],
  [65_535, 2, 65_535, 65_537],
  [131_072, 65_536, 131_072, 196_608],
  [199_999, 0, 199_999, 200_000],
  [199_999, 500, 199_999, 200_000],
  [100, 9_007_199_254_740_991, 100, 200_000],
])("from %d on, at most %d, are the bytes %d to %d", async (offset, length, start, end) => {
  await using server = await startDocuments();
  const bytes = someBytes(200_000);
  const document = await uploadAll(server, bytes);
  const range = { offset: BigInt(offset), length: BigInt(length) };

  const downloaded = await gather(server.client.downloadDocument({ userId: "a", documentId: document.id, ...range }));

  expect(downloaded.bytes.equals(bytes.subarray(start, end))).toBe(true);
  expect(downloaded.document).toEqual(document);
});

test("a range that begins behind the last byte is refused, with the size", async () => {
  await using server = await startDocuments();
  const document = await uploadAll(server, someBytes(100));

  await expect(
    gather(server.client.downloadDocument({ userId: "a", documentId: document.id, offset: 100n })),
  ).rejects.toMatchObject({ code: Status.OUT_OF_RANGE, reason: "RANGE_NOT_SATISFIABLE", metadata: { size: "100" } });
});

test("a download that is under way comes to its end when the document is deleted", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(5_000_000);
  const document = await uploadAll(server, bytes);
  await using download = read(server.client.downloadDocument({ userId: "a", documentId: document.id }));
  await download.next();
  const first = await download.next();

  await server.client.deleteDocument({ userId: "a", documentId: document.id });

  let received = first.data.length;
  while (received < bytes.length) received += (await download.next()).data.length;
  await expect(download.next()).rejects.toThrow("the stream has ended");
  expect(await server.files()).toEqual([]);
  await expect(server.client.getDocument({ userId: "a", documentId: document.id })).rejects.toMatchObject(NOT_FOUND);
  await expect(server.client.deleteDocument({ userId: "a", documentId: document.id })).rejects.toMatchObject(NOT_FOUND);
});

test("a reader who leaves leaves nothing open", async () => {
  await using server = await startDocuments({ maxDownloadsAtOnce: 1 });
  const document = await uploadAll(server, someBytes(5_000_000));

  for await (const _ of server.client.downloadDocument({ userId: "a", documentId: document.id })) break;

  // The place is free when what was being read from the disk is there: later than the call is over.
  const again = () => gather(server.client.downloadDocument({ userId: "a", documentId: document.id, length: 10n }));
  const refused = (error: CallFailure) => (error.reason === "OVERLOADED" ? undefined : Promise.reject(error));
  let last: Awaited<ReturnType<typeof again>> | undefined;
  while (last === undefined) last = await again().catch(refused);
  expect(last.bytes).toHaveLength(10);
});

test("only so many download at once", async () => {
  await using server = await startDocuments({ maxDownloadsAtOnce: 1 });
  const document = await uploadAll(server, someBytes(5_000_000));
  await using slow = read(server.client.downloadDocument({ userId: "a", documentId: document.id }));
  await slow.next();

  await expect(gather(server.client.downloadDocument({ userId: "a", documentId: document.id }))).rejects.toMatchObject({
    ...{ code: Status.RESOURCE_EXHAUSTED, reason: "OVERLOADED" },
  });
});

test("a user who reads slowly leaves room for others", async () => {
  await using server = await startDocuments({ maxDownloadsAtOnce: 4 });
  const bytes = someBytes(5_000_000);
  const document = await uploadAll(server, bytes);
  const other = await uploadAll(server, bytes, { userId: "b" });
  await using slow = read(server.client.downloadDocument({ userId: "a", documentId: document.id }));
  await slow.next();

  await expect(gather(server.client.downloadDocument({ userId: "a", documentId: document.id }))).rejects.toMatchObject({
    ...{ code: Status.RESOURCE_EXHAUSTED, reason: "OVERLOADED" },
  });
  const downloaded = await gather(server.client.downloadDocument({ userId: "b", documentId: other.id }));

  expect(downloaded.bytes).toHaveLength(bytes.length);
});

test("a download of which nothing is taken for too long is ended, and its place is free", async () => {
  await using server = await startDocuments({ maxDownloadsAtOnce: 1, idleMs: 1_000 });
  const document = await uploadAll(server, someBytes(5_000_000));
  const all = { userId: "a", documentId: document.id };
  await using slow = read(server.client.downloadDocument(all));
  await slow.next();

  await server.logs.find({ msg: "call finished", status: "DEADLINE_EXCEEDED" });

  const { bytes } = await gather(server.client.downloadDocument({ ...all, length: 10n }));
  expect(bytes).toHaveLength(10);
  const rest = async () => {
    while (true) await slow.next();
  };
  await expect(rest()).rejects.toMatchObject({ code: Status.CANCELLED });
});

test("documents are listed newest first, page by page, and by kind", async () => {
  let now = new Date("2026-11-01T12:00:00Z");
  await using server = await startDocuments({ now: () => now });
  for (const name of ["one.txt", "two.txt", "three.txt", "four.txt", "five.txt"]) {
    await uploadAll(server, someBytes(10), { name });
    // Two of them in the same millisecond.
    if (name !== "two.txt") now = new Date(now.getTime() + 1_000);
  }
  await uploadAll(server, someBytes(10), { userId: "b" });

  const names: (string | undefined)[][] = [];
  let pageToken = "";
  do {
    const page = await server.client.listDocuments({ userId: "a", pageSize: 2, pageToken });
    names.push(page.documents.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");

  expect(names.map((page) => page.length)).toEqual([2, 2, 1]);
  expect(names[0]).toEqual(["five.txt", "four.txt"]);
  expect(names.flat().slice(2, 4).sort()).toEqual(["three.txt", "two.txt"]);
  expect(names[2]).toEqual(["one.txt"]);
  expect((await server.client.listDocuments({ userId: "a", kind: 3 })).documents).toEqual([]);
  await expect(server.client.listDocuments({ userId: "a", pageToken: "x" })).rejects.toMatchObject({
    violations: [{ field: "page_token" }],
  });
});
