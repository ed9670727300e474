import { type CallOptions, type ClientMiddleware, Metadata } from "nice-grpc-common";
import { currentCall } from "../../runtime/call-context.ts";

export interface UserTokenOptions {
  /**
   * The access token of the user for whom the call is made. The default is that
   * of the current call; "" sends none.
   */
  userToken?: string;
}

const AUTHORIZATION = "authorization";
/** RFC 6750, section 2.1. */
const TOKEN = /^[-A-Za-z0-9._~+/]+=*$/;

/**
 * Passes the user's access token on, so that the next server knows for whom it works.
 *
 * Metadata that has an `authorization` already is sent as it is.
 *
 * @throws TypeError for an option that is no token. It does not repeat it: grpc-js would, and log it.
 */
export const userToken: ClientMiddleware<UserTokenOptions> = (call, options) => {
  return call.next(call.request, withToken(options));
};

function withToken({ userToken: token = currentCall()?.userToken, ...rest }: CallOptions & UserTokenOptions): CallOptions {
  if (!token || rest.metadata?.has(AUTHORIZATION)) return rest;
  if (!TOKEN.test(token)) throw new TypeError("what is given as the token of a user is none");
  return { ...rest, metadata: Metadata(rest.metadata).set(AUTHORIZATION, `Bearer ${token}`) };
}
