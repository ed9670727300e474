import { BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { RecommendRequest, type RecommendResponse } from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";

// The one call that both servers answer: what the storefront asks for most.

export const PATH = "/bookstore.recommendations.v1.RecommendationsService/Recommend";

export const CONNECTIONS = 4;
/** How many calls are under way at any time, on all connections together. */
export const CONCURRENCY = 64;

/** A request as it stands on the wire: not compressed, its length, the message (gRPC over HTTP/2, "Requests"). */
export function requestFrame(): Buffer {
  const message = RecommendRequest.encode({
    userId: "3f2b8c1e-90d4-4c57-8a6e-5b1f7d20c9aa",
    category: BookCategory.BOOK_CATEGORY_MYSTERY,
    maxResults: 10,
  }).finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** The answer: ten books, prepared, so that nothing but the server is measured. */
export const ANSWER: RecommendResponse = {
  recommendations: Array.from({ length: 10 }, (_, index) => ({
    book: {
      id: 1_000 + index,
      title: "The Hound of the Baskervilles",
      authors: ["Arthur Conan Doyle"],
      firstPublished: 1902,
      category: BookCategory.BOOK_CATEGORY_MYSTERY,
      language: "en",
      price: { currencyCode: "USD", minorUnits: 1_299n },
      summary: "A curse, a moor, and the footprints of a gigantic hound.",
      rating: { average: 4.1, count: 281_210n },
    },
    reason: undefined,
  })),
};
