import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Registry } from "prom-client";
import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { noteChange } from "./interaction-store.ts";
import { EMPTY_MODEL, type Model, readersOf } from "./model.ts";
import { ModelKeeper } from "./model-keeper.ts";
import { BrokenSnapshot, readSnapshot, writeSnapshot } from "./snapshot.ts";
import { openRecommendationsStore } from "./store.ts";
import { seededRandom, someBooks } from "./testing.ts";
import { startRecommendations } from "./testing-service.ts";
import { Training } from "./training.ts";

const silent = createLogger({ name: "test", level: "silent" });

/** A store, a folder, and what keeps a model in it. */
async function openStore() {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await testDatabase());
  const folder = await mkdtemp(join(tmpdir(), "bookmesh-test-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const store = await openRecommendationsStore(url, silent);
  stack.defer(store.close);
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const owned = stack.move();
  let position = 0n;
  return {
    ...{ url, store, folder, logs },
    /** Readers buy Books, each of them in an Order of its own. */
    buy: (...orders: [userId: string, bookIds: readonly number[]][]) =>
      store.db.transaction().execute(async (transaction) => {
        for (const [userId, bookIds] of orders) {
          const order = { kind: "bought", originId: `${userId}-${bookIds}`, rating: 0, counts: true } as const;
          await noteChange(transaction, { ...order, userId, bookIds, happenedAt: new Date(), position: ++position });
        }
      }),
    async openKeeper(onModel: (model: Model) => void = () => {}) {
      const shared = { databaseUrl: url, modelDir: folder, intervalMs: 10, memoryMib: 256, restartMs: 10 };
      const keeper = await ModelKeeper.open({ ...shared, store: store.interactions, logger, metrics: new Registry(), onModel });
      return Object.assign(keeper, { [Symbol.asyncDispose]: () => keeper.close() });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const crowd = (count: number, bookIds: readonly number[], name = "fan"): [string, readonly number[]][] =>
  Array.from({ length: count }, (_, i) => [`${name}-${i}`, bookIds]);

/** Resolves with the first model for which the condition holds. */
function modelThat(condition: (model: Model) => boolean) {
  const { promise, resolve } = Promise.withResolvers<Model>();
  const onModel = (model: Model) => {
    if (condition(model)) resolve(model);
  };
  return { onModel, promise };
}

test("reads the whole store once, and only what has changed from then on", async () => {
  await using opened = await openStore();
  const { store, buy } = opened;
  await buy(...crowd(12, [1, 2]));
  const pages: string[] = [];
  const changes: number[] = [];
  const training = new Training({
    ...store.interactions,
    page: (after) => {
      pages.push(after);
      return store.interactions.page(after);
    },
    ofEach: (userIds) => {
      changes.push(userIds.length);
      return store.interactions.ofEach(userIds);
    },
  });

  const first = await training.step();
  const nothing = await training.step();
  await buy(["fan-0", [3]], ["newcomer", [2, 3]], ["other", [3]]);
  const second = await training.step();

  expect([first, second].map((model) => [1, 2, 3].map((id) => readersOf(model ?? EMPTY_MODEL, id)))).toEqual([
    [12, 12, 0],
    [12, 13, 3],
  ]);
  expect(nothing).toBeUndefined();
  expect(pages).toEqual(["", "fan-9"]);
  expect(changes).toEqual([3]);
  expect(await new Training(store.interactions).step()).toEqual(second);
});

test("keeps the model in a file, and has it at once after the next start", async () => {
  await using opened = await openStore();
  await opened.buy(...crowd(5, [1, 2]));
  const learned = modelThat(({ bookIds }) => bookIds.length === 2);
  {
    await using _keeper = await opened.openKeeper(learned.onModel);
    await learned.promise;
    await untilThere(opened.folder);
  }

  await using keeper = await opened.openKeeper();

  expect(keeper.model).toEqual(await learned.promise);
  expect(await readdir(opened.folder)).toEqual(["model.bin"]);
});

test("removes what writers left that were ended before they had written all", async () => {
  await using opened = await openStore();
  await opened.buy(...crowd(5, [1, 2]));
  for (const name of [`model.bin.${randomUUID()}`, `model.bin.${randomUUID()}`, "notes.txt"]) {
    await writeFile(join(opened.folder, name), "half");
  }
  const learned = modelThat(({ bookIds }) => bookIds.length === 2);

  await using _keeper = await opened.openKeeper(learned.onModel);
  await learned.promise;
  await untilThere(opened.folder);

  expect((await readdir(opened.folder)).toSorted()).toEqual(["model.bin", "notes.txt"]);
});

test("learns anew from a store that was restored as it was before", async () => {
  await using opened = await openStore();
  const { store, buy } = opened;
  await buy(...crowd(5, [1, 2]));
  const backup = { head: (await store.interactions.state()).revision, rows: await rowsOf(store) };
  const training = new Training(store.interactions);
  const before = await training.step();
  await buy(...crowd(5, [1, 3], "later"));
  await training.step();

  await store.db.deleteFrom("interactions").execute();
  await store.db.insertInto("interactions").values(backup.rows).execute();
  await store.db.updateTable("interactions_head").set({ revision: backup.head }).execute();

  expect(await training.step()).toEqual(before);
});

function rowsOf({ db }: Awaited<ReturnType<typeof openRecommendationsStore>>) {
  return db.selectFrom("interactions").selectAll().execute();
}

/** Resolves when a model is kept. */
async function untilThere(folder: string): Promise<void> {
  while ((await readSnapshot(folder)) === undefined) await new Promise((resolve) => setImmediate(resolve));
}

test.each<[string, (path: string) => Promise<unknown>]>([
  ["is cut off", (path) => truncate(path, 100)],
  ["is empty", (path) => truncate(path, 0)],
  [
    "has a bit that is wrong",
    async (path) =>
      writeFile(
        path,
        (await readFile(path)).map((byte, i, all) => (i === all.length - 1 ? byte ^ 1 : byte)),
      ),
  ],
  [
    "is of another version",
    async (path) => writeFile(path, (await readFile(path, "latin1")).replace('"version":1', '"version":0'), "latin1"),
  ],
  ["is something else", (path) => writeFile(path, "{}\n")],
])("takes no file that %s for a model", async (_what, spoil) => {
  await using opened = await openStore();
  await opened.buy(...crowd(5, [1, 2, 3]));
  const model = await new Training(opened.store.interactions).step();
  await writeSnapshot(opened.folder, model as Model);
  expect(await readSnapshot(opened.folder)).toEqual(model);

  await spoil(join(opened.folder, "model.bin"));

  await expect(readSnapshot(opened.folder)).rejects.toThrow(BrokenSnapshot);
});

test("learns anew, and says so, when the model that was kept is broken", async () => {
  await using opened = await openStore();
  await opened.buy(...crowd(5, [1, 2, 3]));
  await writeFile(join(opened.folder, "model.bin"), "broken");
  const learned = modelThat(() => true);

  await using keeper = await opened.openKeeper(learned.onModel);

  expect(keeper.model).toEqual(EMPTY_MODEL);
  expect(await learned.promise).toEqual(await new Training(opened.store.interactions).step());
  expect(opened.logs.with({ msg: "the model that was kept is broken: it is learned anew" })).toHaveLength(1);
});

test("takes no model that was learned from another store", async () => {
  await using opened = await openStore();
  await writeSnapshot(opened.folder, { ...EMPTY_MODEL, storeId: "another", revision: 9 });

  await using keeper = await opened.openKeeper();

  expect(keeper.model).toEqual(EMPTY_MODEL);
});

test("keeps the last model while learning fails, and goes on when it can", async () => {
  await using opened = await openStore();
  const { store, buy, logs } = opened;
  await buy(...crowd(5, [1, 2]));
  const first = modelThat(({ bookIds }) => bookIds.length === 2);
  const second = modelThat(({ bookIds }) => bookIds.length === 3);
  await using keeper = await opened.openKeeper((model) => {
    first.onModel(model);
    second.onModel(model);
  });
  const before = await first.promise;

  await store.db.schema.alterTable("interactions_head").renameTo("gone").execute();
  await logs.find({ msg: "learning has failed: the last model stays" });
  expect(keeper.model).toEqual(before);
  await store.db.schema
    .alterTable("gone" as never)
    .renameTo("interactions_head")
    .execute();
  await buy(...crowd(5, [3], "other"));

  expect(readersOf(await second.promise, 3)).toBe(5);
});

test("replicas that share a store learn the same, whichever of them has heard of it", async () => {
  await using one = await startRecommendations({ books: someBooks(1, 5) });
  await using other = await startRecommendations({ books: someBooks(1, 5), url: one.databaseUrl });
  for (let i = 0; i < 4; i++) await (i % 2 === 0 ? one : other).happenings.buy(`reader-${i}`, [1, 2], `order-${i}-of-it`);

  await Promise.all([one.learned(), other.learned()]);

  expect(one.recommendations.keeper.model).toEqual(other.recommendations.keeper.model);
  expect([1, 2].map((id) => readersOf(other.recommendations.keeper.model, id))).toEqual([4, 4]);
});

test("answers while it learns: the thread that serves does nothing for it", async () => {
  const random = seededRandom(1);
  await using service = await startRecommendations({ books: someBooks(1, 500) });
  const rows = Array.from({ length: 20_000 }, (_, i) => ({
    ...{ kind: "bought" as const, origin_id: `order-${i}`, book_id: 1 + Math.floor(500 * random() ** 2) },
    ...{ user_id: `reader-${i % 1_000}`, rating: 0, counts: 1, happened_at_ms: 0, revision: 1 },
  }));
  for (let start = 0; start < rows.length; start += 2_000) {
    await service.store.db
      .insertInto("interactions")
      .values(rows.slice(start, start + 2_000))
      .execute();
  }
  await service.store.db.updateTable("interactions_head").set({ revision: 1 }).execute();

  const learned = service.learned();
  let done = false;
  void learned.then(() => {
    done = true;
  });
  let answered = 0;
  while (!done) {
    await service.client.recommendForReader({ userId: `reader-${answered % 1_000}` });
    answered++;
  }

  // None, were it done here.
  expect(answered).toBeGreaterThan(3);
  expect(service.recommendations.keeper.model.bookIds.length).toBeGreaterThan(400);
});

test("keeps no process from ending", async () => {
  await using opened = await openStore();
  const program = `
    const { openRecommendationsStore } = await import("./store.ts");
    const { ModelKeeper } = await import("./model-keeper.ts");
    const { createLogger } = await import("../../runtime/logger.ts");
    const { Registry } = await import("prom-client");
    const logger = createLogger({ name: "test", level: "silent" });
    const [databaseUrl, modelDir] = process.argv.slice(1);
    const { interactions: store } = await openRecommendationsStore(databaseUrl, logger);
    const options = { databaseUrl, modelDir, intervalMs: 10, memoryMib: 64, store, logger, metrics: new Registry() };
    await ModelKeeper.open(options);
    console.log("open");`;
  const args = ["--input-type=module", "-e", program, opened.url, opened.folder];

  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, timeout: 15_000 });

  expect(stdout).toBe("open\n");
});
