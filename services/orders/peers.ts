import type { MarketplaceClient } from "../../clients/marketplace.ts";
import type { RegisterClient } from "../../clients/register.ts";
import type { Offer } from "./cart.ts";

/** Asks the marketplace what it sells. */
export function findOffers(marketplace: Pick<MarketplaceClient, "batchGetBooks">) {
  return async (bookIds: readonly number[]): Promise<ReadonlyMap<number, Offer>> => {
    if (bookIds.length === 0) return new Map();
    const { books } = await marketplace.batchGetBooks({ bookIds: [...bookIds] });
    // What has no price is not for sale.
    return new Map(
      books.flatMap(({ id, title, price }) => (price === undefined ? [] : [[id, { bookId: id, title, unitPrice: price }]])),
    );
  };
}

/** Asks register whether there is such a user. */
export function isRegistered(register: Pick<RegisterClient, "checkRegistered">) {
  return async (userId: string): Promise<boolean> =>
    (await register.checkRegistered({ key: { $case: "userId", value: userId } })).user !== undefined;
}

const USERS_A_PAGE = 500;

/** Asks register who all its users are, page by page. */
export function userIds(register: Pick<RegisterClient, "listUserIds">) {
  return async function* (signal: AbortSignal): AsyncGenerator<readonly string[]> {
    let pageToken = "";
    do {
      const page = await register.listUserIds({ pageSize: USERS_A_PAGE, pageToken }, { signal });
      yield page.userIds;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  };
}
