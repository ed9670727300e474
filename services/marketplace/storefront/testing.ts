import type { FastifyInstance } from "fastify";
import { ClientError, Status } from "nice-grpc-common";
import { Failure } from "../../../runtime/errors.ts";
import type { Logger } from "../../../runtime/logger.ts";
import { type Accounts, startAccounts } from "../../../test/support/accounts.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import type { MarketplaceStore } from "../store.ts";
import { type StorefrontOptions, storefront } from "./server.ts";
import { TestBrowser } from "./testing-browser.ts";

const away = () => Promise.reject(new ClientError("/x/Y", Status.UNAVAILABLE, "nobody is there"));

/** A client of a service that is away, whatever it is asked, but for what is given. */
function clientOfNobody<Client extends object>(but: Partial<Client> = {}): Client {
  return new Proxy(but as Client, { get: (own, name) => Reflect.get(own, name) ?? (name === "then" ? undefined : away) });
}

/** The services that a test does without. */
const NOBODY: Pick<StorefrontOptions, "carts" | "guestCarts" | "promotion" | "orders" | "push" | "reviews"> = {
  ...{ carts: clientOfNobody(), guestCarts: clientOfNobody(), promotion: clientOfNobody(), orders: clientOfNobody() },
  ...{ push: clientOfNobody(), reviews: clientOfNobody() },
};

export type ShopOptions = Partial<{
  [Key in keyof StorefrontOptions]: Key extends "register" | "sessions" | "recommendations" | "documents"
    ? Partial<StorefrontOptions[Key]>
    : StorefrontOptions[Key];
}>;

/** The shop over a store, with stand-ins for the services that are not given. Bind it with `await using`. */
export function openShop(
  marketplace: { store: MarketplaceStore; logger: Logger },
  options: ShopOptions = {},
): Promise<FastifyInstance> {
  const { store, logger } = marketplace;
  const { register, sessions, recommendations, documents, ...rest } = options;
  return storefront({
    ...{ store, logger, ...NOBODY, documents: clientOfNobody(documents) },
    recommendations: {
      async recommend({ category, maxResults = 0 }) {
        const { books } = await store.list({ category, afterId: undefined, limit: maxResults });
        return { recommendations: books.map((book) => ({ book, reason: undefined })) };
      },
      recommendForReader: away,
      similarBooks: away,
      ...recommendations,
    },
    register: { register: async () => ({ user: undefined }), getUser: away, updateUser: away, deleteUser: away, ...register },
    sessions: { signIn: away, refreshSession: away, signOut: away, changePassword: away, ...sessions },
    verifyUserToken() {
      throw new Failure("unauthenticated", "nobody is signed in");
    },
    ...rest,
  });
}

export const ADA = {
  ...{ name: "Ada", email: "ada@example.com", password: "correct horse", language: "de", country: "Österreich" },
};

/** The shop with the real register behind it, and its clock. Bind it with `await using`. */
export async function startShop(options: ShopOptions = {}) {
  await using stack = new AsyncDisposableStack();
  const marketplace = stack.use(await startMarketplace());
  const accounts: Accounts = stack.use(await startAccounts());
  const { register, sessions, verifyUserToken, now } = accounts;
  const shop = stack.use(await openShop(marketplace, { register, sessions, verifyUserToken, now, ...options }));
  const owned = stack.move();
  return {
    ...{ shop, accounts, marketplace },
    browser: () => new TestBrowser(shop),
    /** A browser whose user has just registered. */
    signedIn: (profile = ADA) => signUp(new TestBrowser(shop), profile),
    /** Everything that the shop and register have logged. */
    logs: () => JSON.stringify([marketplace.logs.all, accounts.logs.all]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Makes an account. @returns the browser, whose user it is. */
export async function signUp(browser: TestBrowser, profile = ADA): Promise<TestBrowser> {
  await browser.post("/register", profile);
  return browser;
}

/** What a page is made of: its tags and the names of their attributes, without what they say. */
export function skeletonOf(page: string): string {
  return page.replace(/"[^"]*"/g, '""').replace(/>[^<]*/g, ">");
}

export function countOf(part: string, page: string): number {
  return page.split(part).length - 1;
}
