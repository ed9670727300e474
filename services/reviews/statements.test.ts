import { createQueryId, type Kysely, type KyselyPlugin, sql } from "kysely";
import { databaseKind } from "../../test/support/database.ts";
import { startReviews } from "../../test/support/reviews.ts";
import { commentStore } from "./comment-store.ts";
import { reviewStore } from "./review-store.ts";
import type { CommentRow, Schema } from "./schema.ts";
import type { ReviewsStore } from "./store.ts";

/** The stores, and each statement that they send. */
function watched({ db, log }: ReviewsStore) {
  const statements: ReturnType<ReturnType<Kysely<Schema>["getExecutor"]>["compileQuery"]>[] = [];
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      statements.push(db.getExecutor().compileQuery(node, createQueryId()));
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  const watchedDb = db.withPlugin(plugin);
  return { statements, comments: commentStore(watchedDb, log), reviews: reviewStore(watchedDb, log) };
}

/** How the database would find what the last statement asks for. */
async function planOfLast({ db }: ReviewsStore, { statements }: Pick<ReturnType<typeof watched>, "statements">): Promise<string> {
  const { sql: text, parameters } = statements.at(-1) ?? { sql: "", parameters: [] };
  const values = [...parameters];
  const question = sql.join(
    text.split("?").flatMap((part, index) => (index === 0 ? [sql.raw(part)] : [sql`${values[index - 1]}`, sql.raw(part)])),
    sql``,
  );
  const { rows } = await sql<{ detail: string }>`explain query plan ${question}`.execute(db);
  return rows.map(({ detail }) => detail).join("\n");
}

if (databaseKind === "sqlite") {
  test("goes straight to a page, however deep it is", async () => {
    await using service = await startReviews();
    const stores = watched(service.store);

    await stores.comments.list({ kind: "article", id: 1 }, { threadId: 5, id: 7 }, 3);
    const ofComments = await planOfLast(service.store, stores);
    await stores.reviews.list(7, { createdAtMs: 1, id: "a" }, 3);
    const ofReviews = await planOfLast(service.store, stores);

    expect(ofComments).toContain("USING INDEX comments_by_thread (subject=? AND thread_id<?)");
    expect(ofReviews).toContain("USING INDEX reviews_by_age (book_id=? AND (created_at_ms,id)<(?,?))");
  });
}

const SUBJECT = { kind: "article", id: 100 } as const;

/** Says "1", an answer "2" to it, an answer "3" to that one and so on, and takes back all but the last. @returns its id. */
async function takeBackAllButTheLast({ db, comments }: ReviewsStore, length: number): Promise<number> {
  let parentId = 0;
  for (let count = 1; count <= length; count++) {
    const { comment } = await comments.post({
      ...{ subject: SUBJECT, parentId, userId: "a", authorName: "Ada", content: `${count}`, createdAt: new Date(0) },
      ...{ articleAuthorId: "a", idempotencyKey: `${length}-${count}`, fingerprint: "" },
    });
    parentId = comment.id;
  }
  await db.updateTable("comments").set({ is_deleted: 1 }).where("id", "<", parentId).execute();
  return parentId;
}

test("takes away a chain of answers that were all taken back, however long, with as many statements", async () => {
  await using service = await startReviews();
  const stores = watched(service.store);
  const needed: number[] = [];

  for (const length of [2, 40]) {
    const last = await takeBackAllButTheLast(service.store, length);
    stores.statements.length = 0;
    await stores.comments.delete("a", last);
    needed.push(stores.statements.length);
    expect(await service.store.comments.list(SUBJECT, undefined, 100)).toEqual([]);
  }

  expect(needed[1]).toBe(needed[0]);
});

test("stops at an answer that somebody else has answered too, and at one that stands", async () => {
  await using service = await startReviews();
  const { store } = service;
  const row = (id: number, parentId: number, more: Partial<CommentRow> = {}) => ({
    ...{ id, subject: "article/100", thread_id: 1, parent_id: parentId, answer_count: 1, user_id: "a", author_name: "" },
    ...{ content: "", created_at_ms: 0, edited_at_ms: null, is_deleted: 1, idempotency_key: `${id}`, fingerprint: "", ...more },
  });
  // 1 ← 2 ← 3 ← 4 ← 5, where 3 has another answer, 6, and 2 stands.
  const rows = [
    ...[row(1, 0), row(2, 1, { is_deleted: 0 }), row(3, 2, { answer_count: 2 })],
    ...[row(4, 3), row(5, 4, { answer_count: 0, is_deleted: 0 }), row(6, 3, { answer_count: 0, is_deleted: 0 })],
  ];
  await store.db.insertInto("comments").values(rows).execute();
  const left = async () =>
    (await store.db.selectFrom("comments").select(["id", "answer_count"]).orderBy("id").execute()).map((one) => [
      one.id,
      one.answer_count,
    ]);

  await store.comments.delete("a", 5);
  const [first, answered, forked] = [
    [1, 1],
    [2, 1],
    [3, 1],
  ];
  expect(await left()).toEqual([first, answered, forked, [6, 0]]);
  await store.comments.delete("a", 6);
  expect(await left()).toEqual([first, [2, 0]]);
});
