import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { reviewsClient } from "../../../clients/reviews.ts";
import { startAccounts } from "../../../test/support/accounts.ts";
import { startReviews } from "../../../test/support/reviews.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { ADA, openShop } from "./testing.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";
import { usersOf } from "./testing-services.ts";

/** The shop with the real register and the real reviews. Bind it with `await using`. */
export async function startShopWithReviews() {
  await using stack = new AsyncDisposableStack();
  const marketplace = stack.use(await startMarketplace());
  const accounts = stack.use(await startAccounts());
  const reviews = stack.use(await startReviews({ users: usersOf(accounts) }));
  const { register, sessions, verifyUserToken, now } = accounts;
  const clients = { register, sessions, verifyUserToken, now, reviews: reviewsClient(reviews.channel, reviews.logger) };
  const shop = stack.use(await openShop(marketplace, clients));
  const owned = stack.move();
  return {
    ...{ shop, accounts, reviews, marketplace },
    logs: () => JSON.stringify([marketplace.logs.all, reviews.logs.all]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Somebody who has just registered and is signed in. */
export async function newReader(shop: FastifyInstance, email = `${randomUUID()}@example.com`): Promise<TestBrowser> {
  const browser = new TestBrowser(shop);
  await browser.post("/register", { ...ADA, email });
  return browser;
}

/** The path of the comments on the first review of a page. */
export function commentsOf(page: { body: string }): string {
  return /href="(\/books\/\d+\/reviews\/[^"]+)"/.exec(unescaped(page))?.[1] ?? "none";
}

/** What is sent along with the form for a comment. */
export function keyOf({ body }: { body: string }): string {
  return /name="key" value="([^"]+)"/.exec(body)?.[1] ?? "none";
}
