import type { FastifyInstance } from "fastify";
import type { RecommendationsClient } from "../../../clients/recommendations.ts";
import type { BookCategory } from "../../../gen/bookstore/catalog/v1/book.ts";
import { decodePageToken, encodePageToken } from "../../../runtime/page-token.ts";
import { type BookStore, getBook, searchBooks } from "../book.ts";
import { nextToken } from "../handler.ts";
import { type AccountDeps, accountRoutes } from "./account.ts";
import { bookId } from "./book-address.ts";
import { cartRoutes } from "./cart.ts";
import { shelfBySlug } from "./categories.ts";
import { type CheckoutDeps, checkoutRoutes } from "./checkout.ts";
import { type CommentsDeps, commentRoutes } from "./comments.ts";
import { coverOf } from "./cover.ts";
import { type DocumentsDeps, documentRoutes } from "./documents.ts";
import { queryOf, text } from "./form-schema.ts";
import type { FrameDeps } from "./frame.ts";
import { type NotificationStreamDeps, notificationStream } from "./notification-stream.ts";
import { type NotificationsDeps, notificationRoutes } from "./notifications.ts";
import { type OrdersDeps, ordersRoutes } from "./orders.ts";
import { showPage } from "./page.ts";
import { goodbyePage } from "./pages/account.ts";
import { bookPage } from "./pages/book.ts";
import { homePage } from "./pages/home.ts";
import type { PageParts } from "./pages/layout.ts";
import { searchPage, shelfPage } from "./pages/lists.ts";
import { problemPage } from "./pages/problem.ts";
import { type PreferencesDeps, preferenceRoutes } from "./preferences.ts";
import { ratingsOf } from "./ratings.ts";
import { picksFor, type RecommendedDeps, similarBooks } from "./recommended.ts";
import { type RegistrationDeps, registrationRoutes } from "./registration.ts";
import { type ReviewsDeps, reviewRoutes, reviewsOf } from "./reviews.ts";
import { hasSample, type SamplesDeps } from "./samples.ts";
import type { SessionCookies } from "./session-cookies.ts";
import { signInRoutes } from "./sign-in.ts";
import { suggestMysteries } from "./suggestions.ts";
import { visitorOf } from "./visitor.ts";

export interface ShopDeps extends FrameDeps, CheckoutDeps, OrdersDeps, ReviewsDeps, CommentsDeps, NotificationStreamDeps {
  push: FrameDeps["push"] & NotificationsDeps["push"] & NotificationStreamDeps["push"] & PreferencesDeps["push"];
  reviews: ReviewsDeps["reviews"] & CommentsDeps["reviews"];
  orders: CheckoutDeps["orders"] & OrdersDeps["orders"];
  store: BookStore;
  recommendations: Pick<RecommendationsClient, "recommend"> & RecommendedDeps["recommendations"];
  documents: OrdersDeps["documents"] & SamplesDeps["documents"] & DocumentsDeps["documents"];
  register: AccountDeps["register"] & RegistrationDeps["register"];
  sessions: AccountDeps["sessions"];
  cookies: SessionCookies;
}

const PAGE_SIZE = 24;

const reviewed = { ...bookId, ...queryOf("reviews") };
const search = { querystring: { type: "object", properties: { q: { ...text, maxLength: 200 }, page: text } } };

/** The pages of the shop. */
export async function shopRoutes(app: FastifyInstance, deps: ShopDeps): Promise<void> {
  const { store } = deps;

  app.get("/", async (request, reply) => {
    const visitor = visitorOf(request);
    const parts = [suggestMysteries(deps, visitor), picksFor(deps, visitor), store.countByCategory()] as const;
    const [suggestion, picks, categories] = await Promise.all(parts);
    return showPage(reply, homePage({ ...suggestion, picks, categories }));
  });

  app.get<{ Querystring: { page: string } }>("/books", { schema: queryOf("page") }, async ({ query: { page } }, reply) =>
    showPage(reply, await shelf(deps, { name: "All books", path: "/books", category: undefined, page })),
  );

  app.get<{ Params: { slug: string }; Querystring: { page: string } }>(
    "/categories/:slug",
    { schema: queryOf("page") },
    async ({ params, query: { page } }, reply) => {
      const found = shelfBySlug(params.slug);
      if (found === undefined) {
        return showPage(reply.status(404), problemPage("No such shelf", "The shop has no shelf by this name."));
      }
      const { name, category } = found;
      return showPage(reply, await shelf(deps, { name, path: `/categories/${params.slug}`, category, page }));
    },
  );

  app.get<{ Querystring: { q: string; page: string } }>("/search", { schema: search }, async ({ query: { q, page } }, reply) => {
    const [offset] = decodePageToken(page, q, ["number"]) ?? [0];
    const { books, total } = await searchBooks(store, q, { offset, limit: PAGE_SIZE });
    const end = offset + books.length;
    const next = end < total ? `/search?${new URLSearchParams({ q, page: encodePageToken([end], q) })}` : undefined;
    return showPage(reply, searchPage(q, { books, total, next, ratings: await ratingsOf(deps.reviews, books) }));
  });

  app.get<{ Params: { id: number }; Querystring: { reviews: string } }>(
    "/books/:id",
    { schema: reviewed },
    async (request, reply) => {
      const book = await getBook(store, request.params.id);
      const [reviews, similar, sample] = await Promise.all([
        reviewsOf(deps, request, { bookId: book.id, page: request.query.reviews }),
        similarBooks(deps, visitorOf(request), book.id),
        hasSample(deps, book.id),
      ]);
      return showPage(reply, bookPage(book, { reviews, similar, sample }));
    },
  );

  app.get("/goodbye", async (_request, reply) => showPage(reply, goodbyePage()));
  registrationRoutes(app, deps);
  signInRoutes(app, deps);
  await app.register(async (account) => accountRoutes(account, deps));
  await app.register(async (cart) => cartRoutes(cart, deps));
  await app.register(async (checkout) => checkoutRoutes(checkout, deps));
  await app.register(async (orders) => ordersRoutes(orders, deps));
  await app.register(async (reviews) => reviewRoutes(reviews, deps));
  await app.register(async (comments) => commentRoutes(comments, deps));
  await app.register(async (notifications) => notificationRoutes(notifications, deps));
  await app.register(async (documents) => documentRoutes(documents, deps));
  preferenceRoutes(app, deps);
  notificationStream(app, deps);
}

/** The pictures of the shop, the same for everybody. */
export function pictureRoutes(app: FastifyInstance, { store }: Pick<ShopDeps, "store">): void {
  app.get<{ Params: { id: number } }>("/covers/:id.svg", { schema: bookId }, async ({ params }, reply) => {
    const cover = coverOf(await getBook(store, params.id));
    return reply.type("image/svg+xml").header("cache-control", "public, max-age=86400").send(cover);
  });
}

async function shelf(
  { store, reviews }: Pick<ShopDeps, "store" | "reviews">,
  { name, path, category, page }: { name: string; path: string; category: BookCategory | undefined; page: string },
): Promise<PageParts> {
  const [afterId] = decodePageToken(page, path, ["number"]) ?? [];
  const { books, more, total } = await store.list({ category, afterId, limit: PAGE_SIZE });
  const token = nextToken(books, more, path);
  const next = token === "" ? undefined : `${path}?${new URLSearchParams({ page: token })}`;
  return shelfPage(name, { books, total, next, ratings: await ratingsOf(reviews, books) });
}
