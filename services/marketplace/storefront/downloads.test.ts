import { ClientError, Status } from "nice-grpc-common";
import type { Document } from "../../../gen/bookstore/documents/v1/document.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { openShop } from "./testing.ts";
import { BOOKS } from "./testing-services.ts";

const SAMPLE: Document = {
  ...{ id: "sample-1", userId: "", kind: 2, name: "emma.txt", contentType: "text/plain", size: 1_000n },
  ...{ sha256: "a".repeat(64), createTime: new Date("2026-11-01T12:00:00Z"), bookId: 1, orderId: "" },
};

/** A shop whose samples are known and cannot be had. Bind it with `await using`. */
async function shopWithoutBytes() {
  await using stack = new AsyncDisposableStack();
  const marketplace = stack.use(await startMarketplace());
  await marketplace.store.add(BOOKS);
  const shop = stack.use(
    await openShop(marketplace, {
      documents: {
        getSample: async () => ({ document: SAMPLE }),
        // biome-ignore lint/correctness/useYield: it fails before its first message.
        async *downloadSample() {
          throw new ClientError("/x/DownloadSample", Status.UNAVAILABLE, "nobody is there");
        },
      },
    }),
  );
  const owned = stack.move();
  return { shop, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test.each([[{}], [{ range: "bytes=10-19" }]])(
  "says on a page of the shop, with nothing of the file about it, that a file cannot be had (%j)",
  async (headers) => {
    await using away = await shopWithoutBytes();
    const { headers: ofPages } = await away.shop.inject("/books/1");

    const failed = await away.shop.inject({ url: "/books/1/sample", headers });

    expect([failed.statusCode, failed.body.includes("Samples are taking a break")]).toEqual([503, true]);
    const answer = {
      ...{ "content-type": "text/html; charset=utf-8", "cache-control": "private, no-cache" },
      "content-security-policy": ofPages["content-security-policy"],
    };
    expect(failed.headers).toMatchObject(answer);
    const ofFiles = ["accept-ranges", "content-disposition", "content-range", "etag"];
    expect(Object.keys(failed.headers).filter((name) => ofFiles.includes(name))).toEqual([]);
    expect(failed.headers["content-length"]).toBe(String(failed.rawPayload.length));
  },
);
