import { EndUser as Wanted } from "../../gen/mesh/policy/v1/policy.ts";
import { bearerToken, type EndUser, type VerifyUserToken } from "../../runtime/end-user.ts";
import { Failure } from "../../runtime/errors.ts";
import type { ServerInterceptor } from "./interceptor.ts";
import type { ServerCall } from "./server-call.ts";

/**
 * Finds out which user stands behind a call, where the contract asks for one.
 *
 * A call that needs no user is not held up by a token: it is passed on to the
 * next hop as it is, which looks at it if it has to.
 *
 * @param options.verify undefined in servers none of whose methods asks for a user.
 */
export function endUser(options: { verify: VerifyUserToken | undefined }): ServerInterceptor {
  const { verify } = options;
  return {
    start(call) {
      call.userToken = bearerToken(call.headers.authorization);
      if (call.contract.endUser === Wanted.END_USER_NONE) return undefined;
      if (call.userToken === undefined || verify === undefined) {
        throw new Failure("unauthenticated", "this takes a signed-in user", { reason: "USER_TOKEN_MISSING" });
      }
      const user = verify(call.userToken);
      if (user instanceof Promise) return user.then((found) => accept(call, found));
      accept(call, user);
      return undefined;
    },
    message({ contract: { endUserField }, user }, message) {
      if (endUserField === undefined || user === undefined || user.administrator) return;
      // As it is answered where there is nobody of that id: nothing is to be learned of others.
      if ((message as Record<string, unknown>)[endUserField] !== user.id) {
        throw new Failure("not-found", "no such user", { reason: "USER_NOT_FOUND" });
      }
    },
  };
}

function accept(call: ServerCall, user: EndUser): void {
  if (call.contract.endUser === Wanted.END_USER_ADMIN && !user.administrator) {
    throw new Failure("denied", "this takes an administrator", {
      reason: "USER_NOT_ALLOWED",
      metadata: { rule: "mesh.policy.v1.method.end_user", method: call.path },
    });
  }
  call.user = user;
}
