import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../../test/support/database.ts";
import { forgetReader, noteChange } from "./interaction-store.ts";
import { EMPTY_MODEL, readersOf } from "./model.ts";
import { openRecommendationsStore } from "./store.ts";
import { MYSTERY, SF, someBooks } from "./testing.ts";
import { startRecommendations } from "./testing-service.ts";
import { Training } from "./training.ts";

const BOOKS = [...someBooks(1, 10, MYSTERY), ...someBooks(11, 20, SF)];

test("forgets what a deleted reader has bought and rated, and learns from it no more", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  const { client, happenings, recommendations, store } = service;
  for (const userId of ["ada", "grace", "alan"]) await happenings.buy(userId, [1, 11]);
  await happenings.rate("ada", 2, 5);
  await happenings.buy("newcomer", [1]);
  await service.learned();
  const { keeper } = recommendations;
  expect([1, 2, 11].map((id) => readersOf(keeper.model, id))).toEqual([4, 0, 3]);
  const alike = async () => {
    const { recommendations: found } = await client.recommendForReader({ userId: "newcomer" });
    return found.find(({ reason }) => reason?.why?.$case === "bought")?.book?.id;
  };
  expect(await alike()).toBe(11);

  await happenings.deleteUser("ada");
  await service.learned();

  expect(await store.interactions.of("ada")).toEqual([]);
  expect([1, 2, 11].map((id) => readersOf(keeper.model, id))).toEqual([3, 0, 0]);
  expect(await alike()).not.toBe(11);
  const anew = await new Training(store.interactions).step();
  expect(keeper.model).toEqual(anew);
});

test("notes nothing of a deleted reader that comes later, or again", async () => {
  await using service = await startRecommendations({ books: BOOKS });
  const { happenings, recommendations, store } = service;
  const bought = await happenings.buy("ada", [1]);
  const gone = await happenings.deleteUser("ada");

  await happenings.buy("ada", [2]);
  await happenings.cancel("ada", [1], "order-1");
  await happenings.rate("ada", 3, 5);
  await happenings.removeRating("ada", 3);
  for (const event of [bought, gone]) await recommendations.consumer.handle({ ...event, id: `${event.id} again` });

  expect(await store.db.selectFrom("interactions").selectAll().execute()).toEqual([]);
});

test("leaves nothing of what is noted in the moment of the deletion", async () => {
  await using database = await testDatabase();
  const store = await openRecommendationsStore(database.url, createLogger({ name: "test", level: "silent" }));
  const training = new Training(store.interactions);
  const buying = Array.from({ length: 20 }, (_, i) =>
    store.db.transaction().execute((transaction) => {
      const order = { kind: "bought", originId: `order-${i}`, bookIds: [i + 1], rating: 0, counts: true } as const;
      return noteChange(transaction, { ...order, userId: "ada", happenedAt: new Date(), position: BigInt(i + 1) });
    }),
  );
  await Promise.race(buying);
  await training.step();

  await store.db.transaction().execute((transaction) => forgetReader(transaction, "ada"));
  await Promise.all(buying);

  expect(await store.db.selectFrom("interactions").selectAll().execute()).toEqual([]);
  expect((await training.step()) ?? EMPTY_MODEL).toMatchObject({ bookIds: new Int32Array() });
  await store.close();
});
