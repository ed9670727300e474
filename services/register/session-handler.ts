import type { Session as SessionMessage, SessionServiceImplementation } from "../../gen/bookstore/register/v1/session_service.ts";
import { currentCall } from "../../runtime/call-context.ts";
import { spiffeId } from "../../runtime/spiffe.ts";
import { messageOf as userMessageOf } from "./handler.ts";
import {
  type Credentials,
  changePassword,
  refreshSession,
  type Session,
  type SessionDeps,
  setAdministrator,
  signOut,
} from "./session.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** `signIn` of session.ts, with everything that it needs. */
export type SignIn = (credentials: Credentials, signal: AbortSignal) => Promise<Session>;

export interface SessionHandlerDeps extends SessionDeps {
  keys: Pick<SigningKeys, "jwks">;
  signIn: SignIn;
}

/** Implements bookstore.register.v1.SessionService. */
export function sessionHandler(deps: SessionHandlerDeps): SessionServiceImplementation {
  const { store, keys, logger } = deps;
  return {
    async signIn(request, { signal }) {
      return { session: messageOf(await deps.signIn(request, signal)) };
    },

    async refreshSession(request) {
      return { session: messageOf(await refreshSession(deps, request)) };
    },

    async signOut({ refreshToken }) {
      await signOut(deps, refreshToken);
      return {};
    },

    async changePassword(request, { signal }) {
      return { session: messageOf(await changePassword(deps, request, signal)) };
    },

    async listSigningKeys() {
      return { keys: keys.jwks() };
    },

    async setAdministrator({ userId, administrator }) {
      await setAdministrator(store, userId, administrator);
      const { caller } = currentCall() ?? {};
      logger.info({ audit: true, actor: caller && spiffeId(caller), user: userId, administrator }, "administrator set");
      return {};
    },
  };
}

function messageOf({ user, accessToken, refreshToken }: Session): SessionMessage {
  return {
    user: userMessageOf(user),
    accessToken: accessToken.token,
    accessTokenExpireTime: accessToken.expiresAt,
    refreshToken: refreshToken.token,
    refreshTokenExpireTime: refreshToken.expiresAt,
  };
}
