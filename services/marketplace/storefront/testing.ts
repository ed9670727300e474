import type { FastifyInstance } from "fastify";
import type { Logger } from "../../../runtime/logger.ts";
import type { MarketplaceStore } from "../store.ts";
import type { StorefrontDeps } from "./routes.ts";
import { storefront } from "./server.ts";

/** The shop over a store, with stand-ins for the services that are not given. Bind it with `await using`. */
export function openShop(
  marketplace: { store: MarketplaceStore; logger: Logger },
  services: Partial<Pick<StorefrontDeps, "recommendations" | "register">> = {},
): Promise<FastifyInstance> {
  const { store, logger } = marketplace;
  const recommendations = {
    async recommend({ category, maxResults = 0 }) {
      const { books } = await store.list({ category, afterId: undefined, limit: maxResults });
      return { recommendations: books.map((book) => ({ book })) };
    },
  } satisfies StorefrontDeps["recommendations"];
  const register = { register: async () => ({ user: undefined }) };
  return storefront({ store, logger, recommendations, register, ...services });
}

/** What a page is made of: its tags and the names of their attributes, without what they say. */
export function skeletonOf(page: string): string {
  return page.replace(/"[^"]*"/g, '""').replace(/>[^<]*/g, ">");
}

export function countOf(part: string, page: string): number {
  return page.split(part).length - 1;
}
