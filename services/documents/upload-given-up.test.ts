import { Status } from "nice-grpc";
import { begin, type DocumentsServer, sendChunks, startDocuments, testFolder } from "../../test/support/documents.ts";
import { startS3 } from "../../test/support/s3.ts";
import type { BlobStore } from "./blob-store.ts";
import { openFileBlobs } from "./file-blobs.ts";
import { openS3Blobs } from "./s3-blobs.ts";
import { chunksOf, someBytes } from "./testing.ts";

const stores: Record<string, () => Promise<AsyncDisposable & { blobs: BlobStore }>> = {
  async files() {
    const folder = await testFolder();
    return { blobs: await openFileBlobs(folder.path), [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
  },
  async S3() {
    const bucket = await startS3();
    return { blobs: await openS3Blobs(bucket.settings), [Symbol.asyncDispose]: bucket[Symbol.asyncDispose] };
  },
};

/** Does something before a call goes on with a blob, before it makes it whole, or before it reads it again. */
const moments: Record<string, (blobs: BlobStore, act: (id: string) => Promise<void>) => BlobStore> = {
  "before its bytes are written": (blobs, act) => ({
    ...blobs,
    async resume(id, draft) {
      await act(id);
      return blobs.resume(id, draft);
    },
  }),
  "before it is made whole": (blobs, act) => ({
    ...blobs,
    async resume(id, draft) {
      const writer = await blobs.resume(id, draft);
      return {
        ...writer,
        async finish() {
          await act(id);
          await writer.finish();
        },
      };
    },
  }),
  "before it is checked": (blobs, act) => ({
    ...blobs,
    async *read(id, range) {
      await act(id);
      yield* blobs.read(id, range);
    },
  }),
};

describe.each(Object.keys(stores))("in %s", (kind) => {
  test.each(Object.keys(moments))("an upload that is given up %s is not there any more", async (moment) => {
    await using store = await (stores[kind] as (typeof stores)[string])();
    let server: DocumentsServer | undefined;
    const giveUp = async (uploadId: string) => void (await server?.client.deleteUpload({ userId: "a", uploadId }));
    const blobs = (moments[moment] as (typeof moments)[string])(store.blobs, giveUp);
    await using started = await startDocuments({ blobs });
    server = started;
    const bytes = someBytes(1_000);
    const upload = await begin(started, bytes);

    await expect(sendChunks(started, chunksOf(upload, bytes))).rejects.toMatchObject({
      ...{ code: Status.NOT_FOUND, reason: "UPLOAD_NOT_FOUND" },
    });

    expect((await started.client.listDocuments({ userId: "a" })).documents).toEqual([]);
    expect(await started.store.db.selectFrom("blobs").select("id").execute()).toEqual([]);
  });
});
