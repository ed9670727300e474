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

/** RFC 6750, section 2.1. */
const BEARER = /^Bearer +([-A-Za-z0-9._~+/]+=*)$/i;

/** The access token that comes with a request, if one does. @param authorization the header of that name. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
}
