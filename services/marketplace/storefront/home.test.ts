import { forever } from "abort-controller-x";
import { ClientError, Status } from "nice-grpc";
import { recommendationsClient } from "../../../clients/recommendations.ts";
import { BookCategory } from "../../../gen/bookstore/catalog/v1/book.ts";
import { RecommendationsServiceDefinition } from "../../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { openPlaintextChannel } from "../../../test/support/plaintext.ts";
import { startMarketplace, startService } from "../../../test/support/service.ts";
import { stockShelves } from "../built-in-catalogue.ts";
import { countOf, openShop } from "./testing.ts";

const QUIETLY = "Our recommendations are taking a break.";

async function stocked() {
  const marketplace = await startMarketplace();
  await stockShelves(marketplace.store);
  return marketplace;
}

test("shows the title, the heading and exactly three books that recommendations suggests", async () => {
  await using marketplace = await stocked();
  await using shop = await openShop(marketplace);

  const { statusCode, headers, body } = await shop.inject("/");

  expect(statusCode).toBe(200);
  expect(headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(body).toContain("<title>Online Books For You</title>");
  expect(body).toContain("<h1>Mystery books you may like</h1>");
  expect(countOf("<li>", body)).toBe(3);
  expect(body).not.toContain(QUIETLY);
});

test("asks for three mysteries for user 1, and shows what comes in the order it comes", async () => {
  await using marketplace = await stocked();
  const asked: unknown[] = [];
  const recommend = async (request: object) => {
    asked.push(request);
    const books = await Promise.all([3, 1, 2].map((id) => marketplace.store.get(id)));
    return { recommendations: books.map((book) => ({ book, reason: undefined })) };
  };
  await using shop = await openShop(marketplace, { recommendations: { recommend } });

  const { body } = await shop.inject("/");

  expect(asked).toEqual([{ userId: "1", category: BookCategory.BOOK_CATEGORY_MYSTERY, maxResults: 3 }]);
  const titles = [...body.matchAll(/<li>.*?<strong>(.*?)<\/strong>/g)].map(([, title]) => title);
  expect(titles).toEqual(["The Hound of the Baskervilles", "The Maltese Falcon", "Murder on the Orient Express"]);
});

test.each([Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.NOT_FOUND, Status.INTERNAL])(
  "still shows three mysteries, and says so quietly, when recommendations fails with status %d",
  async (status) => {
    await using marketplace = await stocked();
    const recommend = () => Promise.reject(new ClientError("/x/Recommend", status, "stack trace and all"));
    await using shop = await openShop(marketplace, { recommendations: { recommend } });

    const { statusCode, body } = await shop.inject("/");

    expect(statusCode).toBe(200);
    expect(countOf("<li>", body)).toBe(3);
    expect(body).toContain(QUIETLY);
    expect(body).not.toContain("stack trace");
  },
);

test("still shows three mysteries when nobody listens where recommendations should be", async () => {
  await using marketplace = await stocked();
  const { address, ...gone } = await startService({ add: () => {}, client: () => ({}) });
  await gone[Symbol.asyncDispose]();
  const channel = openPlaintextChannel(address);
  await using shop = await openShop(marketplace, { recommendations: recommendationsClient(channel, marketplace.logger) });

  const { statusCode, body } = await shop.inject("/");

  channel.close();
  expect([statusCode, countOf("<li>", body)]).toEqual([200, 3]);
  expect(body).toContain(QUIETLY);
  expect(marketplace.logs.with({ msg: "outgoing call failed", status: "UNAVAILABLE" })).toHaveLength(1);
});

test("still shows three mysteries when recommendations takes too long, whose call is then cancelled", async () => {
  await using marketplace = await stocked();
  await using recommendations = await startService({
    add: (server) =>
      server.add(RecommendationsServiceDefinition, {
        recommend: (_request, { signal }) => forever(signal),
        async *watchRecommendations() {},
        recommendForReader: (_request, { signal }) => forever(signal),
        similarBooks: (_request, { signal }) => forever(signal),
      }),
    client: recommendationsClient,
  });
  await using shop = await openShop(marketplace, { recommendations: recommendations.client });

  const { statusCode, body } = await shop.inject("/");

  expect([statusCode, countOf("<li>", body)]).toEqual([200, 3]);
  expect(body).toContain(QUIETLY);
  expect(await recommendations.logs.find({ msg: "call finished" })).not.toMatchObject({ status: "OK" });
});

test("shows an error page, not the front of the shelf, for a mistake of its own", async () => {
  await using marketplace = await stocked();
  const recommend = () => Promise.reject(new TypeError("x is undefined"));
  await using shop = await openShop(marketplace, { recommendations: { recommend } });

  const { statusCode, body } = await shop.inject("/");

  expect(statusCode).toBe(500);
  expect(body).toContain("The mistake is ours.");
  expect(body).not.toContain("x is undefined");
  expect(marketplace.logs.with({ msg: "page failed" })).toHaveLength(1);
});

test("leads to every shelf that has books, with their number", async () => {
  await using marketplace = await stocked();
  await using shop = await openShop(marketplace);
  const categories = await marketplace.store.countByCategory();

  const { body } = await shop.inject("/");

  const links = [...body.matchAll(/class="shelf"[^>]*href="(\/categories\/[a-z-]+)".*?<small>(\d+) books/g)];
  expect(links.map(([, , count]) => Number(count))).toEqual(categories.map(({ bookCount }) => bookCount));
  for (const [, address = ""] of links) expect((await shop.inject(address)).statusCode).toBe(200);
});
