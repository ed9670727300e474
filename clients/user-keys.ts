import type { Logger } from "../runtime/logger.ts";
import { cachedUserKeys, type UserKeys } from "../runtime/user-keys.ts";
import type { SessionClient } from "./register.ts";

/**
 * The keys of access tokens, as register publishes them: what userTokenVerifier() wants.
 *
 * Register is asked when the first token comes, and then so seldom that it may be away for long.
 */
export function userKeys(
  client: Pick<SessionClient, "listSigningKeys">,
  options: { logger: Logger; now?: () => number },
): UserKeys {
  return cachedUserKeys({ ...options, fetch: async () => (await client.listSigningKeys({})).keys });
}
