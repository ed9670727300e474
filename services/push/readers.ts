import type { RegisterClient } from "../../clients/register.ts";
import type { User } from "../../gen/bookstore/register/v1/register_service.ts";

/** Asks register who a user is. */
export function findReader(register: RegisterClient): (userId: string) => Promise<User | undefined> {
  return async (userId) => (await register.checkRegistered({ key: { $case: "userId", value: userId } })).user;
}
