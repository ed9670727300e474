import { Status } from "nice-grpc-common";
import { CallFailure } from "../../clients/call-failure.ts";
import type { MarketplaceClient } from "../../clients/marketplace.ts";
import type { RegisterClient } from "../../clients/register.ts";
import type { Offer } from "./cart.ts";

/** Asks the marketplace what it sells. */
export function findOffers(marketplace: Pick<MarketplaceClient, "getBook">) {
  return async (bookIds: readonly number[]): Promise<ReadonlyMap<number, Offer>> => {
    const found = await Promise.all(bookIds.map((bookId) => findOffer(marketplace, bookId)));
    return new Map(found.flatMap((offer) => (offer === undefined ? [] : [[offer.bookId, offer]])));
  };
}

async function findOffer(marketplace: Pick<MarketplaceClient, "getBook">, bookId: number): Promise<Offer | undefined> {
  try {
    const { book } = await marketplace.getBook({ bookId });
    // What has no price is not for sale.
    return book?.price && { bookId, title: book.title, unitPrice: book.price };
  } catch (error) {
    if (error instanceof CallFailure && error.code === Status.NOT_FOUND) return undefined;
    throw error;
  }
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
