import { Status } from "nice-grpc-common";
import { CallFailure } from "../../clients/call-failure.ts";
import type { MarketplaceClient } from "../../clients/marketplace.ts";
import type { RegisterClient } from "../../clients/register.ts";
import { shownName } from "../../runtime/shown-name.ts";
import type { FindAuthor } from "./author.ts";

/** Asks register who a user is. */
export function findAuthor(register: RegisterClient): FindAuthor {
  return async (userId) => {
    const { user } = await register.checkRegistered({ key: { $case: "userId", value: userId } });
    return user && { name: shownName(user.name) };
  };
}

/** Asks the marketplace whether it has a book. */
export function hasBook(marketplace: Pick<MarketplaceClient, "getBook">) {
  return async (bookId: number): Promise<boolean> => {
    try {
      await marketplace.getBook({ bookId });
      return true;
    } catch (error) {
      if (error instanceof CallFailure && error.code === Status.NOT_FOUND) return false;
      throw error;
    }
  };
}
