import type { RegisterClient } from "../../clients/register.ts";
import type { PushDeps } from "./notification.ts";

/** Asks register who a user is. */
export function findReader(register: RegisterClient): PushDeps["findReader"] {
  return async (userId) => (await register.checkRegistered({ key: { $case: "userId", value: userId } })).user;
}
