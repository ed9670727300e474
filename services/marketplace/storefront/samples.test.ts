import { createHash } from "node:crypto";
import { once } from "node:events";
import { get } from "node:http";
import { documentsClient } from "../../../clients/documents.ts";
import { type DocumentsServer, startDocuments } from "../../../test/support/documents.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { openShop } from "./testing.ts";
import { BOOKS } from "./testing-services.ts";

const SAMPLE = someBytes(100_000);
const PATH = "/books/1/sample";
/** More than all buffers between a reader and the store hold. */
const LONG = someBytes(24 * 1024 * 1024);

let marketplace: Awaited<ReturnType<typeof startMarketplace>>;
let documents: DocumentsServer;
let shop: Awaited<ReturnType<typeof openShop>>;
beforeAll(async () => {
  marketplace = await startMarketplace();
  await marketplace.store.add(BOOKS);
  documents = await startDocuments();
  const client = documentsClient(documents.channel, documents.logger);
  shop = await openShop(marketplace, { documents: client });
  await upload(1, SAMPLE);
});
afterAll(async () => {
  await shop.close();
  await documents[Symbol.asyncDispose]();
  await marketplace[Symbol.asyncDispose]();
});

/** Text of some length, never the same twice in it. */
function someBytes(length: number): Buffer {
  return Buffer.from(Array.from({ length: Math.ceil(length / 16) }, (_, i) => `${i} `.padStart(16, ".")).join("")).subarray(
    0,
    length,
  );
}

async function upload(bookId: number, bytes: Buffer): Promise<void> {
  const { client, users } = documents;
  const metadata = users.as("admin", { administrator: true });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const announced = { name: `Emma – Kapitel "1".txt`, contentType: "text/plain", size: BigInt(bytes.length), sha256 };
  const { upload } = await client.createSampleUpload({ userId: "admin", bookId, ...announced }, { metadata });
  const pieces = async function* () {
    for (let from = 0; from < bytes.length; from += 262_144) {
      const data = bytes.subarray(from, from + 262_144);
      yield { userId: "admin", uploadId: upload?.id ?? "", offset: BigInt(from), data };
    }
  };
  await client.uploadChunks(pieces(), { metadata });
}

test("leads from a book to its sample, if it has one", async () => {
  expect((await shop.inject("/books/1")).body).toContain(`href="${PATH}">Read a sample</a>`);
  expect((await shop.inject("/books/2")).body).not.toContain("Read a sample");
  const { statusCode, body } = await shop.inject("/books/2/sample");
  expect([statusCode, body.includes("There is no sample of this book.")]).toEqual([404, true]);
});

test("sends a sample to everybody, as it is", async () => {
  const { statusCode, headers, rawPayload } = await shop.inject(PATH);

  expect([statusCode, rawPayload.equals(SAMPLE)]).toEqual([200, true]);
  expect(headers).toMatchObject({
    ...{ "content-type": "text/plain; charset=utf-8", "content-length": "100000", "accept-ranges": "bytes" },
    ...{ "cache-control": "public, no-cache", "x-content-type-options": "nosniff" },
    "content-disposition": `inline; filename="Emma _ Kapitel _1_.txt"; filename*=UTF-8''Emma%20%E2%80%93%20Kapitel%20_1_.txt`,
    "content-security-policy": expect.stringMatching(/^sandbox; default-src 'none'/),
  });
  expect((await shop.inject({ url: PATH, headers: { "if-none-match": String(headers.etag) } })).statusCode).toBe(304);
});

test.each([
  ["bytes=10-19", 206, "bytes 10-19/100000", 10, 20],
  ["bytes=99990-", 206, "bytes 99990-99999/100000", 99_990, 100_000],
  ["bytes=-5", 206, "bytes 99995-99999/100000", 99_995, 100_000],
  ["bytes=0-1,5-6", 200, undefined, 0, 100_000],
  ["bytes=5-4", 200, undefined, 0, 100_000],
])("answers for the range %s with %d", async (range, status, contentRange, from, to) => {
  const { statusCode, headers, rawPayload } = await shop.inject({ url: PATH, headers: { range } });

  expect([statusCode, headers["content-range"], headers["content-length"]]).toEqual([status, contentRange, String(to - from)]);
  expect(rawPayload.equals(SAMPLE.subarray(from, to))).toBe(true);
});

test("says how long it is to whoever asks for what lies beyond", async () => {
  const { statusCode, headers, body } = await shop.inject({ url: PATH, headers: { range: "bytes=100000-" } });

  expect([statusCode, headers["content-range"], body]).toEqual([416, "bytes */100000", ""]);
});

test("sends all of it to whoever has a part of another one", async () => {
  const { headers } = await shop.inject(PATH);
  const ask = (etag: string) => shop.inject({ url: PATH, headers: { range: "bytes=0-9", "if-range": etag } });

  expect((await ask(String(headers.etag))).statusCode).toBe(206);
  expect((await ask('"another"')).statusCode).toBe(200);
});

test("tells of a sample without sending it", async () => {
  const { statusCode, headers, body } = await shop.inject({ method: "HEAD", url: PATH });

  expect([statusCode, headers["content-length"], body]).toEqual([200, "100000", ""]);
});

test("reads no faster than the reader, and stops when the reader leaves", async () => {
  await upload(3, LONG);
  const address = await shop.listen({ host: "127.0.0.1", port: 0 });
  const request = get(`${address}/books/3/sample`, { agent: false });
  const [response] = await once(request, "response");

  await once(response, "readable");
  response.read(1_024);
  request.destroy();

  const line = await documents.logs.find({
    msg: "call finished",
    path: "/bookstore.documents.v1.DocumentsService/DownloadSample",
    status: "CANCELLED",
  });
  expect(line).toBeDefined();
});

test("asks for no bytes for a reader who has left before they could be asked for", async () => {
  const asked = Promise.withResolvers<void>();
  const found = Promise.withResolvers<void>();
  const signals = Promise.withResolvers<AbortSignal | undefined>();
  const client = documentsClient(documents.channel, documents.logger);
  await using slow = await openShop(marketplace, {
    documents: {
      ...client,
      async getSample(request, options) {
        asked.resolve();
        await found.promise;
        return client.getSample(request, options);
      },
      downloadSample(request, options) {
        signals.resolve(options?.signal);
        return client.downloadSample(request, options);
      },
    },
  });
  const closed = once(slow.server, "connection").then(([socket]) => once(socket, "close"));
  const request = get(`${await slow.listen({ host: "127.0.0.1", port: 0 })}${PATH}`, { agent: false }).on("error", () => {});
  await asked.promise;
  request.destroy();
  await closed;
  found.resolve();

  expect((await signals.promise)?.aborted).toBe(true);
});

test("shows books without samples while documents is away", async () => {
  await using alone = await openShop(marketplace);

  const [book, sample] = [await alone.inject("/books/1"), await alone.inject(PATH)];

  expect([book.statusCode, book.body.includes("Read a sample")]).toEqual([200, false]);
  expect([sample.statusCode, sample.body.includes("Samples are taking a break")]).toEqual([503, true]);
  expect(sample.headers["content-security-policy"]).not.toContain("sandbox");
});
