/** The signed-in user who stands behind a call. */
export interface EndUser {
  readonly id: string;
  /** Whether the user administers the shop. */
  readonly administrator: boolean;
}

/**
 * Finds out whose access token it is.
 *
 * At once for one that was seen before; a Promise where something has to be computed or asked for.
 *
 * @throws Failure "unauthenticated" if it is nobody's, or not any more. The message does not repeat the token.
 */
export type VerifyUserToken = (token: string) => EndUser | Promise<EndUser>;
