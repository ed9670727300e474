import { cartClient, guestCartClient, ordersClient, promotionClient } from "../../../clients/orders.ts";
import { type Accounts, startAccounts } from "../../../test/support/accounts.ts";
import { type OrdersOptions, startOrders } from "../../../test/support/orders.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { testUsers } from "../../../test/support/users.ts";
import { newBook } from "../testing.ts";
import { ADA, openShop, type ShopOptions, signUp } from "./testing.ts";
import { TestBrowser } from "./testing-browser.ts";

const dollars = (minorUnits: bigint) => ({ price: { currencyCode: "USD", minorUnits } });

/** What stands on the shelves of the shop below. */
export const BOOKS = [
  newBook(1, "Emma", dollars(899n)),
  newBook(2, "Dracula", dollars(1_299n)),
  newBook(3, "Walden", dollars(1_050n)),
];

/** The users of another service: those that register knows, not those of a test. */
export function usersOf(accounts: Accounts) {
  return { ...testUsers(), verify: accounts.verifyUserToken };
}

/** The shop over three books, with the real register and the real orders behind it. Bind it with `await using`. */
export async function startShopWithOrders(options: ShopOptions & { sales?: OrdersOptions } = {}) {
  const { sales, ...shopOptions } = options;
  await using stack = new AsyncDisposableStack();
  const marketplace = stack.use(await startMarketplace());
  await marketplace.store.add(BOOKS);
  const accounts = stack.use(await startAccounts());
  const orders = stack.use(await startOrders({ users: usersOf(accounts), marketplace: marketplace.client, ...sales }));
  const { channel, logger } = orders;
  const { register, sessions, verifyUserToken, now } = accounts;
  const clients = {
    ...{ register, sessions, verifyUserToken, now },
    carts: cartClient(channel, logger),
    guestCarts: guestCartClient(channel, logger),
    promotion: promotionClient(channel, logger),
    orders: ordersClient(channel, logger),
  };
  const shop = stack.use(await openShop(marketplace, { ...clients, ...shopOptions }));
  const owned = stack.move();
  return {
    ...{ shop, accounts, marketplace, orders, clients },
    browser: () => new TestBrowser(shop),
    signedIn: (profile = ADA) => signUp(new TestBrowser(shop), profile),
    /** Everything that the services have logged. */
    logs: () => JSON.stringify([marketplace.logs.all, accounts.logs.all, orders.logs.all]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
