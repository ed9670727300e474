import type { MarketplaceClient } from "../../clients/marketplace.ts";
import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { startMarketplace } from "../../test/support/service.ts";
import { type CatalogueCopy, followCatalogue } from "./follow-catalogue.ts";
import { Shelves } from "./shelf.ts";
import { openRecommendationsStore, type RecommendationsStore } from "./store.ts";
import { NoticedWakeups } from "./testing.ts";

type Marketplace = Awaited<ReturnType<typeof startMarketplace>>;
type Watch = MarketplaceClient["watchBooks"];

/** The category of all books here. */
const GENERAL = 16;

/** Puts books with these titles into the catalogue; a title that comes again at the same place changes nothing. */
async function publish(marketplace: Marketplace, ...titles: string[]): Promise<void> {
  const says = { authors: [], firstPublished: 0, language: "", price: undefined, summary: "", rating: undefined };
  const books = titles.map((title, i) => ({ source: "test", sourceId: i, book: { ...says, title, category: GENERAL as never } }));
  await marketplace.store.add(books);
  marketplace.wakeups.wake("catalogue");
}

/** A follower on a store, as recommendations runs it. */
async function startFollower(options: { store: RecommendationsStore; copy?: CatalogueCopy; watchBooks: Watch }) {
  const { store, copy = store } = options;
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const shelves = new Shelves();
  const wakeups = new NoticedWakeups();
  const position = await store.position();
  shelves.put(await store.books());
  /** The revisions that were asked for. */
  const asked: number[] = [];
  const watchBooks: Watch = (request, callOptions) => {
    asked.push(Number(request.afterRevision));
    return options.watchBooks(request, callOptions);
  };
  const stop = new AbortController();
  const following = followCatalogue({ marketplace: { watchBooks }, copy, shelves, wakeups, logger }, position, stop.signal);
  const titles = () => [...shelves.of(GENERAL)].map(({ title }) => title).toSorted();
  return {
    asked,
    logs,
    titles,
    /** Resolves when the shelf holds just these titles. */
    shows: (...expected: string[]) => wakeups.until(() => titles().join() === expected.join()),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
    },
  };
}

async function openCopy(url: string): Promise<RecommendationsStore & AsyncDisposable> {
  const store = await openRecommendationsStore(url, createLogger({ name: "test", level: "silent" }));
  return { ...store, [Symbol.asyncDispose]: store.close };
}

test("copies the whole catalogue, and then each change of it", async () => {
  await using marketplace = await startMarketplace();
  await using database = await testDatabase();
  await using store = await openCopy(database.url);
  const titles = Array.from({ length: 450 }, (_, i) => `Book ${String(i).padStart(3, "0")}`);
  await publish(marketplace, ...titles);

  await using follower = await startFollower({ store, watchBooks: marketplace.client.watchBooks });
  await follower.shows(...titles);
  await publish(marketplace, "A changed title", ...titles.slice(1));
  await follower.shows("A changed title", ...titles.slice(1));

  expect(follower.asked).toEqual([0]);
  expect(await store.position()).toEqual({ catalogueId: marketplace.store.catalogueId, revision: 451 });
  expect((await store.books()).map(({ title }) => title).toSorted()).toEqual(follower.titles());
});

test("resumes from the stored revision after a restart, with the stored books on the shelves", async () => {
  await using marketplace = await startMarketplace();
  await using database = await testDatabase();
  await publish(marketplace, "A", "B", "C");
  {
    await using store = await openCopy(database.url);
    await using follower = await startFollower({ store, watchBooks: marketplace.client.watchBooks });
    await follower.shows("A", "B", "C");
  }
  await publish(marketplace, "A", "B", "C", "D");

  await using store = await openCopy(database.url);
  await using follower = await startFollower({ store, watchBooks: marketplace.client.watchBooks });
  expect(follower.titles()).toEqual(["A", "B", "C"]);
  await follower.shows("A", "B", "C", "D");

  expect(follower.asked).toEqual([3]);
});

test("keeps its shelves while the marketplace is down, and goes on when it is up again", async () => {
  await using catalogue = await testDatabase();
  await using database = await testDatabase();
  await using store = await openCopy(database.url);
  const before = await startMarketplace({ url: catalogue.url });
  await publish(before, "A");
  await using follower = await startFollower({ store, watchBooks: before.client.watchBooks });
  await follower.shows("A");

  const { port } = before;
  before.server.forceShutdown();
  // Some tries while nobody is there: "A" stays.
  await before.logs.find({ msg: "outgoing call failed", status: "UNAVAILABLE" });
  expect(follower.titles()).toEqual(["A"]);
  await using after = await startMarketplace({ url: catalogue.url, port });
  await publish(after, "A", "B");
  await follower.shows("A", "B");

  await follower[Symbol.asyncDispose]();
  expect(new Set(follower.asked.slice(1))).toEqual(new Set([1]));
  expect(follower.asked.length).toBeGreaterThan(1);
  await before[Symbol.asyncDispose]();
});

test("waits for a marketplace that comes later than itself", async () => {
  const { port, ...gone } = await startMarketplace();
  const { watchBooks } = gone.client;
  gone.server.forceShutdown();
  await using database = await testDatabase();
  await using store = await openCopy(database.url);
  await using follower = await startFollower({ store, watchBooks });
  await gone.logs.find({ msg: "outgoing call failed", status: "UNAVAILABLE" });

  await using marketplace = await startMarketplace({ port });
  await publish(marketplace, "A");

  await follower.shows("A");
  await follower[Symbol.asyncDispose]();
  await gone[Symbol.asyncDispose]();
});

test("starts over when the catalogue has begun anew", async () => {
  await using old = await startMarketplace();
  await using anew = await startMarketplace();
  await publish(old, "Old A", "Old B", "Old C");
  await publish(anew, "New");
  await using database = await testDatabase();
  await using store = await openCopy(database.url);
  let current = old.client.watchBooks;
  await using follower = await startFollower({ store, watchBooks: (...call) => current(...call) });
  await follower.shows("Old A", "Old B", "Old C");

  current = anew.client.watchBooks;
  await old.server.drain();
  await follower.shows("New");

  expect(follower.asked).toEqual([0, 3]);
  expect(follower.logs.with({ msg: "another catalogue: starting over", revision: 1 })).toHaveLength(1);
  expect((await store.books()).map(({ title }) => title)).toEqual(["New"]);
  expect(await store.position()).toEqual({ catalogueId: anew.store.catalogueId, revision: 1 });
});

test("two followers that share a store both get everything, and the stored position never goes back", async () => {
  await using marketplace = await startMarketplace();
  await using database = await testDatabase();
  await using store = await openCopy(database.url);
  const titles = Array.from({ length: 450 }, (_, i) => `Book ${String(i).padStart(3, "0")}`);
  await publish(marketplace, ...titles);
  const stored: number[] = [];
  const put: CatalogueCopy["put"] = async (...batch) => {
    await store.put(...batch);
    stored.push((await store.position()).revision);
  };

  const { watchBooks } = marketplace.client;
  await using fast = await startFollower({ store, copy: { ...store, put }, watchBooks });
  await using slow = await startFollower({ store, copy: { ...store, put }, watchBooks });
  await Promise.all([fast.shows(...titles), slow.shows(...titles)]);

  expect(stored).toEqual(stored.toSorted((a, b) => a - b));
  expect((await store.books()).map(({ title }) => title).toSorted()).toEqual(titles);
});

test("puts nothing on the shelves that it could not store, and loses nothing either", async () => {
  await using marketplace = await startMarketplace();
  await publish(marketplace, "A");
  await using database = await testDatabase();
  await using store = await openCopy(database.url);
  let puts = 0;
  const shown: string[][] = [];
  const copy: CatalogueCopy = {
    ...store,
    async put(...batch) {
      shown.push(follower.titles());
      if (puts++ === 0) throw new Error("disk full");
      await store.put(...batch);
    },
  };

  await using follower = await startFollower({ store, copy, watchBooks: marketplace.client.watchBooks });
  await follower.shows("A");

  expect(shown).toEqual([[], []]);
  expect(follower.asked).toEqual([0, 0]);
});

test("stops when it is told to, in the middle of a stream or while it waits to try again", async () => {
  await using marketplace = await startMarketplace();
  await publish(marketplace, "A");
  await using database = await testDatabase();
  await using store = await openCopy(database.url);

  const streaming = await startFollower({ store, watchBooks: marketplace.client.watchBooks });
  await streaming.shows("A");
  await expect(streaming[Symbol.asyncDispose]()).resolves.toBeUndefined();

  marketplace.server.forceShutdown();
  const waiting = await startFollower({ store, watchBooks: marketplace.client.watchBooks });
  await marketplace.logs.find({ msg: "outgoing call failed", status: "UNAVAILABLE" });
  await expect(waiting[Symbol.asyncDispose]()).resolves.toBeUndefined();
  expect(waiting.titles()).toEqual(["A"]);
});

test("gets up to date although it was stopped and started again after every batch", async () => {
  await using marketplace = await startMarketplace();
  const titles = Array.from({ length: 610 }, (_, i) => `Book ${String(i).padStart(3, "0")}`);
  await publish(marketplace, ...titles);
  await using database = await testDatabase();
  await using store = await openCopy(database.url);

  const asked: number[] = [];
  for (let at = await store.position(); at.revision < 610; at = await store.position()) {
    const stored = Promise.withResolvers<void>();
    const put: CatalogueCopy["put"] = (...batch) => store.put(...batch).then(stored.resolve);
    await using follower = await startFollower({ store, copy: { ...store, put }, watchBooks: marketplace.client.watchBooks });
    await stored.promise;
    asked.push(...follower.asked);
  }

  expect(asked[0]).toBe(0);
  expect(asked).toEqual(asked.toSorted((a, b) => a - b));
  expect((await store.books()).map(({ title }) => title).toSorted()).toEqual(titles);
});
