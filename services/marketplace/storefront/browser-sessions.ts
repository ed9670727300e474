import { decodeJwt } from "jose";
import { ClientError, Status } from "nice-grpc-common";
import type { RegisterClient, SessionClient } from "../../../clients/register.ts";
import type { User } from "../../../gen/bookstore/register/v1/register_service.ts";
import type { Session } from "../../../gen/bookstore/register/v1/session_service.ts";
import type { VerifyUserToken } from "../../../runtime/end-user.ts";
import { Failure } from "../../../runtime/errors.ts";
import { isRefreshToken, type SessionTokens } from "./session-cookies.ts";
import { GUEST, type SignedIn, UNKNOWN, type Visitor } from "./visitor.ts";

/** A token that expires sooner is renewed first: it has to last for the page. */
const MARGIN_MS = 30_000;
/** A page without the name of its reader now is better than one with it later. */
const PATIENCE_MS = 1_000;

export interface BrowserSessionsDeps {
  register: Pick<RegisterClient, "getUser">;
  sessions: Pick<SessionClient, "refreshSession">;
  verifyUserToken: VerifyUserToken;
  /** Milliseconds since the epoch. */
  now(): number;
}

export type UserSession = Session & { user: User };

/** What the tokens of a browser turned out to be. */
export interface Recognised {
  visitor: Visitor;
  /** The session with its next tokens, for the browser to keep. */
  renewed?: UserSession;
  /** The session has ended: the browser is to forget it. */
  over?: true;
}

/** Finds out who a browser is, and goes on with the session when its access token expires. */
export class BrowserSessions {
  readonly #deps: BrowserSessionsDeps;
  /** By refresh token. A browser asks for several pages at once, and a token is good for one use. */
  readonly #renewing = new Map<string, Promise<UserSession>>();

  constructor(deps: BrowserSessionsDeps) {
    this.#deps = deps;
  }

  /** Does not fail when register does not answer: the shop sells to those whom it does not know, too. */
  async recognise({ access, refresh }: SessionTokens, clientAddress: string): Promise<Recognised> {
    if (access === undefined && refresh === undefined) return { visitor: GUEST };
    const bearer = await this.#verify(access);
    if (bearer?.kind === "unknown") return { visitor: bearer };
    const visitor = bearer && (await this.#ask(bearer));
    if (visitor !== undefined) return { visitor };
    if (!isRefreshToken(refresh)) return { visitor: GUEST, over: true };
    try {
      const renewed = await this.#renew(refresh, clientAddress);
      const { user, accessToken } = renewed;
      return { visitor: { kind: "signed in", userId: user.id, accessToken, user }, renewed };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return error.code === Status.UNAUTHENTICATED ? { visitor: GUEST, over: true } : { visitor: UNKNOWN };
    }
  }

  /** @returns undefined for a token that is not good, or not for long. */
  async #verify(token: string | undefined): Promise<SignedIn | typeof UNKNOWN | undefined> {
    if (token === undefined) return undefined;
    try {
      const { id } = await this.#deps.verifyUserToken(token);
      // Whoever has verified it does not say until when it is good.
      const { exp = 0 } = decodeJwt(token);
      if (exp * 1_000 <= this.#deps.now() + MARGIN_MS) return undefined;
      return { kind: "signed in", userId: id, accessToken: token, user: undefined };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return error.kind === "unauthenticated" ? undefined : UNKNOWN;
    }
  }

  /** Asks for the name. @returns undefined if the account is gone, or register does not take the token. */
  async #ask(bearer: SignedIn): Promise<SignedIn | undefined> {
    const { userId, accessToken: userToken } = bearer;
    try {
      const { user } = await this.#deps.register.getUser({ userId }, { userToken, deadlineMs: PATIENCE_MS });
      return { ...bearer, user };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return error.code === Status.NOT_FOUND || error.code === Status.UNAUTHENTICATED ? undefined : bearer;
    }
  }

  #renew(refreshToken: string, clientAddress: string): Promise<UserSession> {
    const underWay = this.#renewing.get(refreshToken);
    if (underWay !== undefined) return underWay;
    const ask = async () => sessionOf(await this.#deps.sessions.refreshSession({ refreshToken, clientAddress }));
    const renewing = ask().finally(() => this.#renewing.delete(refreshToken));
    this.#renewing.set(refreshToken, renewing);
    return renewing;
  }
}

/** The session of an answer: where the call has not failed there is one. */
export function sessionOf({ session }: { session?: Session | undefined }): UserSession {
  const { user } = session ?? {};
  if (session === undefined || user === undefined) throw new Error("register has answered without a session");
  return { ...session, user };
}
