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
