import type { FastifyInstance } from "fastify";
import type { RecommendationsClient } from "../../../clients/recommendations.ts";
import type { RegisterClient } from "../../../clients/register.ts";
import type { BookCategory } from "../../../gen/bookstore/catalog/v1/book.ts";
import type { Logger } from "../../../runtime/logger.ts";
import { decodePageToken, encodePageToken } from "../../../runtime/page-token.ts";
import { type BookStore, getBook, searchBooks } from "../book.ts";
import { nextToken } from "../handler.ts";
import { shelfBySlug } from "./categories.ts";
import { coverOf } from "./cover.ts";
import { bookPage } from "./pages/book.ts";
import { homePage } from "./pages/home.ts";
import { searchPage, shelfPage } from "./pages/lists.ts";
import { problemPage } from "./pages/problem.ts";
import { registrationRoutes } from "./registration.ts";
import { suggestMysteries } from "./suggestions.ts";

export interface StorefrontDeps {
  store: BookStore;
  recommendations: Pick<RecommendationsClient, "recommend">;
  register: Pick<RegisterClient, "register">;
  logger: Logger;
}

const PAGE_SIZE = 24;

const bookId = { params: { type: "object", properties: { id: { type: "integer", minimum: 1, maximum: 2 ** 31 - 1 } } } };
const text = { type: "string", maxLength: 1_000, default: "" };

/** The pages of the shop. */
export function shopRoutes(app: FastifyInstance, deps: StorefrontDeps): void {
  const { store } = deps;

  app.get("/", async () => {
    const [suggestion, categories] = await Promise.all([suggestMysteries(deps), store.countByCategory()]);
    return homePage({ ...suggestion, categories });
  });

  app.get<{ Querystring: { page: string } }>(
    "/books",
    { schema: { querystring: { type: "object", properties: { page: text } } } },
    ({ query }) => shelf(store, { name: "All books", path: "/books", category: undefined, page: query.page }),
  );

  app.get<{ Params: { slug: string }; Querystring: { page: string } }>(
    "/categories/:slug",
    { schema: { querystring: { type: "object", properties: { page: text } } } },
    async ({ params, query }, reply) => {
      const found = shelfBySlug(params.slug);
      if (found === undefined) return reply.status(404).send(problemPage("No such shelf", "The shop has no shelf by this name."));
      const { name, category } = found;
      return shelf(store, { name, path: `/categories/${params.slug}`, category, page: query.page });
    },
  );

  app.get<{ Querystring: { q: string; page: string } }>(
    "/search",
    { schema: { querystring: { type: "object", properties: { q: { ...text, maxLength: 200 }, page: text } } } },
    async ({ query: { q, page } }) => {
      const [offset] = decodePageToken(page, q, ["number"]) ?? [0];
      const { books, total } = await searchBooks(store, q, { offset, limit: PAGE_SIZE });
      const end = offset + books.length;
      const next = end < total ? `/search?${new URLSearchParams({ q, page: encodePageToken([end], q) })}` : undefined;
      return searchPage(q, { books, total, next });
    },
  );

  app.get<{ Params: { id: number } }>("/books/:id", { schema: bookId }, async ({ params }) =>
    bookPage(await getBook(store, params.id)),
  );

  app.get<{ Params: { id: number } }>("/covers/:id.svg", { schema: bookId }, async ({ params }, reply) => {
    const cover = coverOf(await getBook(store, params.id));
    return reply.type("image/svg+xml").header("cache-control", "public, max-age=86400").send(cover);
  });

  registrationRoutes(app, deps);
}

async function shelf(
  store: BookStore,
  { name, path, category, page }: { name: string; path: string; category: BookCategory | undefined; page: string },
): Promise<string> {
  const [afterId] = decodePageToken(page, path, ["number"]) ?? [];
  const { books, more, total } = await store.list({ category, afterId, limit: PAGE_SIZE });
  const token = nextToken(books, more, path);
  const next = token === "" ? undefined : `${path}?${new URLSearchParams({ page: token })}`;
  return shelfPage(name, { books, total, next });
}
