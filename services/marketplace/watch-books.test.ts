import { Status } from "nice-grpc";
import type { WatchBooksResponse } from "../../gen/bookstore/marketplace/v1/marketplace_service.ts";
import { createLogger } from "../../runtime/logger.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { type Reader, read, startMarketplace } from "../../test/support/service.ts";
import { CATALOGUE, pollRevision } from "./revision-poll.ts";
import { openMarketplaceStore } from "./store.ts";
import { newBook, newBooks } from "./testing.ts";

const silent = createLogger({ name: "test", level: "silent" });

type Marketplace = Awaited<ReturnType<typeof startMarketplace>>;

function watch(
  { client, store }: Marketplace,
  afterRevision: number,
  catalogueId = store.catalogueId,
): Reader<WatchBooksResponse> {
  return read(client.watchBooks({ afterRevision: BigInt(afterRevision), catalogueId }));
}

/** What a batch says: its revision and the titles in it. */
async function next(stream: Reader<WatchBooksResponse>): Promise<[number, ...string[]]> {
  const { revision, books } = await stream.next();
  return [Number(revision), ...books.map(({ title }) => title)];
}

test("sends every book first, in batches of 200", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add(newBooks(450));
  const titles = newBooks(450).map(({ book }) => book.title);

  await using stream = watch(marketplace, 0);

  expect(await next(stream)).toEqual([200, ...titles.slice(0, 200)]);
  expect(await next(stream)).toEqual([400, ...titles.slice(200, 400)]);
  expect(await next(stream)).toEqual([450, ...titles.slice(400)]);
});

test("sends no batch between the last full one and the next change", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add(newBooks(200));
  await using stream = watch(marketplace, 0);
  expect((await next(stream))[0]).toBe(200);

  await marketplace.store.add([newBook(999, "One more")]);
  marketplace.wakeups.wake(CATALOGUE);

  expect(await next(stream)).toEqual([201, "One more"]);
});

test("resumes behind the revision that the reader has", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([newBook(1, "A"), newBook(2, "B"), newBook(3, "C")]);

  await using stream = watch(marketplace, 2);

  expect(await next(stream)).toEqual([3, "C"]);
});

test("sends an empty batch at once when nothing has changed", async () => {
  await using marketplace = await startMarketplace();
  await using empty = watch(marketplace, 0);
  expect(await next(empty)).toEqual([0]);
  await marketplace.store.add([newBook(1, "A")]);

  await using stream = watch(marketplace, 1);

  expect(await next(stream)).toEqual([1]);
});

test("sends a book again when it has changed, under its new revision", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([newBook(1, "A"), newBook(2, "B")]);
  await using stream = watch(marketplace, 0);
  expect(await next(stream)).toEqual([2, "A", "B"]);

  await marketplace.store.add([newBook(1, "A, revised")]);
  marketplace.wakeups.wake(CATALOGUE);

  expect(await next(stream)).toEqual([3, "A, revised"]);
});

test("sends everything to a reader of another catalogue, whatever revision it had there", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add([newBook(1, "A"), newBook(2, "B")]);

  await using stream = watch(marketplace, 1, "another");

  expect(await stream.next()).toMatchObject({
    revision: 2n,
    catalogueId: marketplace.store.catalogueId,
    books: [{ title: "A" }, { title: "B" }],
  });
});

test("sends what an import has put into the store past this process", async () => {
  await using marketplace = await startMarketplace();
  const stop = pollRevision(marketplace.store, marketplace.wakeups, { intervalMs: 1, logger: silent });
  await using _ = { [Symbol.asyncDispose]: async () => stop() };
  await using stream = watch(marketplace, 0);
  expect(await next(stream)).toEqual([0]);
  const elsewhere = await openMarketplaceStore(marketplace.url, silent);

  for (let i = 1; i <= 3; i++) {
    await elsewhere.add([newBook(i, `Import ${i}`)]);
    expect(await next(stream)).toEqual([i, `Import ${i}`]);
  }
  await elsewhere.close();
});

test("goes on looking after the store did not answer once", async () => {
  const logs = new LogLines();
  const woken = Promise.withResolvers<void>();
  const wakeups = { watched: () => [CATALOGUE], wake: () => woken.resolve() } as never;
  let looks = 0;
  const revision = async () => {
    if (looks++ === 0) throw new Error("store gone");
    return 1;
  };

  const logger = createLogger({ name: "test", level: "info", destination: logs });
  const stop = pollRevision({ revision }, wakeups, { intervalMs: 1, logger });

  await woken.promise;
  stop();
  expect(logs.with({ msg: "could not look for changes of the catalogue" })).toHaveLength(1);
});

test("ends the stream with UNAVAILABLE when the server stops", async () => {
  await using marketplace = await startMarketplace();
  await using stream = watch(marketplace, 0);
  await next(stream);
  const ending = expect(stream.next()).rejects.toMatchObject({ code: Status.UNAVAILABLE });

  await marketplace.server.drain();

  await ending;
});

test("refuses a revision below zero", async () => {
  await using marketplace = await startMarketplace();

  await expect(watch(marketplace, -1).next()).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "after_revision" }],
  });
});
