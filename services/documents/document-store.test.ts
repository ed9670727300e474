import type { KyselyPlugin } from "kysely";
import { begin, sendChunks, startDocuments } from "../../test/support/documents.ts";
import { documentStore } from "./document-store.ts";
import { chunksOf, someBytes } from "./testing.ts";

test("an upload that is completed while it is counted what a user keeps is counted once", async () => {
  await using server = await startDocuments();
  const bytes = someBytes(1_000);
  const upload = await begin(server, bytes);
  let completion: Promise<unknown> | undefined;
  const completesBehindTheFirstQuery: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      completion ??= sendChunks(server, chunksOf(upload, bytes));
      await completion;
      return result;
    },
  };
  const store = documentStore(server.store.db.withPlugin(completesBehindTheFirstQuery), () => new Date());

  expect(await store.usedBytes("a")).toBe(1_000);

  expect((await server.client.listDocuments({ userId: "a" })).documents).toHaveLength(1);
});
