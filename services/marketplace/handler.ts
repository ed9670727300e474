import { type Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import type {
  MarketplaceServiceImplementation,
  WatchBooksResponse,
} from "../../gen/bookstore/marketplace/v1/marketplace_service.ts";
import { decodePageToken, encodePageToken } from "../../runtime/page-token.ts";
import type { Wakeups } from "../../runtime/wakeups.ts";
import { type BookStore, getBook, searchBooks } from "./book.ts";
import { CATALOGUE } from "./revision-poll.ts";

const DEFAULT_PAGE_SIZE = 20;
const WATCH_BATCH = 200;

export interface MarketplaceDeps {
  store: BookStore;
  wakeups: Wakeups<typeof CATALOGUE>;
}

/** Implements bookstore.marketplace.v1.MarketplaceService. */
export function marketplaceHandler({ store, wakeups }: MarketplaceDeps): MarketplaceServiceImplementation {
  return {
    async listBooks({ category, pageSize, pageToken }) {
      const [afterId] = decodePageToken(pageToken, category, ["number"]) ?? [];
      const { books, more, total } = await store.list({
        category: category === BookCategory.BOOK_CATEGORY_UNSPECIFIED ? undefined : category,
        afterId,
        limit: pageSize || DEFAULT_PAGE_SIZE,
      });
      return { books, nextPageToken: nextToken(books, more, category), totalSize: total };
    },

    async getBook({ bookId }) {
      return { book: await getBook(store, bookId) };
    },

    async batchGetBooks({ bookIds }) {
      return { books: await store.getAll(bookIds) };
    },

    async searchBooks({ query, pageSize, pageToken }) {
      const limit = pageSize || DEFAULT_PAGE_SIZE;
      const [offset] = decodePageToken(pageToken, query, ["number"]) ?? [0];
      const { books, total } = await searchBooks(store, query, { offset, limit });
      const end = offset + books.length;
      return { books, nextPageToken: end < total ? encodePageToken([end], query) : "", totalSize: total };
    },

    async listCategories() {
      return { categories: await store.countByCategory() };
    },

    async *watchBooks({ afterRevision, catalogueId }, { signal }) {
      const seen = catalogueId === store.catalogueId ? Number(afterRevision) : 0;
      yield* wakeups.follow(CATALOGUE, signal, changes(store, seen));
    },
  };
}

/** Asks for the page behind these Books; "" on the last one. The token has the id only: titles can be long. */
export function nextToken(books: readonly Book[], more: boolean, request: unknown): string {
  const last = books.at(-1);
  return more && last !== undefined ? encodePageToken([last.id], request) : "";
}

/** Each call gives the batches of changes since the last one; the first call gives at least one batch. */
function changes(store: BookStore, afterRevision: number): () => AsyncGenerator<WatchBooksResponse> {
  let seen = afterRevision;
  let greeted = false;
  return async function* () {
    while (true) {
      // Read first: a change between the two reads then comes again instead of never.
      const revision = await store.revision();
      const batch = await store.changedAfter(seen, WATCH_BATCH);
      if (batch.length === 0 && greeted) return;
      seen = batch.at(-1)?.revision ?? revision;
      greeted = true;
      yield { books: batch.map(({ book }) => book), revision: BigInt(seen), catalogueId: store.catalogueId };
      if (batch.length < WATCH_BATCH) return;
    }
  };
}
