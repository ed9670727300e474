import type { CookieSerializeOptions } from "@fastify/cookie";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Session } from "../../../gen/bookstore/register/v1/session_service.ts";

/** What a browser brings. Nobody has looked whether it is true. */
export interface SessionTokens {
  access: string | undefined;
  refresh: string | undefined;
}

/** Whether a cookie could be a refresh token. Register makes them of this form, and takes no longer ones. */
export function isRefreshToken(text: string | undefined): text is string {
  return text !== undefined && /^[\w-]{1,128}$/.test(text);
}

/** The two cookies that hold a session. No script reads them, and no form of another site brings them along. */
export interface SessionCookies {
  read(request: FastifyRequest): SessionTokens;
  /** Both last as long as the refresh token: with an expired access token and no other nobody could go on. */
  keep(reply: FastifyReply, session: Session): void;
  clear(reply: FastifyReply): void;
}

/**
 * @param options.secure whether browsers reach the shop by https. Then the cookies are for https alone, and the
 * prefix has browsers refuse those that another host of the domain, or plain HTTP, has planted (RFC 6265bis, 4.1.3.2).
 */
export function sessionCookies({ secure, now }: { secure: boolean; now: () => number }): SessionCookies {
  const prefix = secure ? "__Host-" : "";
  const access = `${prefix}bookmesh-access`;
  const refresh = `${prefix}bookmesh-refresh`;
  const options: CookieSerializeOptions = { path: "/", httpOnly: true, sameSite: "lax", secure };
  return {
    read: ({ cookies }) => ({ access: cookies[access], refresh: cookies[refresh] }),
    keep(reply, { accessToken, refreshToken, refreshTokenExpireTime }) {
      const leftMs = (refreshTokenExpireTime?.getTime() ?? now()) - now();
      const maxAge = Math.max(0, Math.floor(leftMs / 1_000));
      reply.setCookie(access, accessToken, { ...options, maxAge });
      reply.setCookie(refresh, refreshToken, { ...options, maxAge });
    },
    clear(reply) {
      reply.clearCookie(access, options);
      reply.clearCookie(refresh, options);
    },
  };
}
